#include "ledger/totals.hpp"

#include "iso8583/values/joined_text.hpp"
#include "ledger/record_codec.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;

namespace {
/// The shortest a sum can be: a name of one byte with its length, and two numbers.
constexpr std::uint64_t sum_bytes_min = 4;
/// Of differences and sums, which stand inside turn records and checkpoints: what comes later is a property
/// of those.
constexpr std::uint8_t part_version = 1;

/// "l/20261121/" and what is behind it.
std::string day_name(char letter, iso8583::BusinessDate day, std::string_view a = {}, std::string_view b = {},
                     std::string_view c = {}) {
    return iso8583::joined({{&letter, 1}, "/", day.date.yyyymmdd(), "/", a, b, c});
}

std::string batch_name(const iso8583::TerminalId& terminal, iso8583::BatchNumber batch,
                       std::string_view end) {
    return iso8583::joined({batches_prefix, terminal.view(), "/", batch.str(), end});
}

void write(RecordWriter& w, std::string_view name, const Total& t) {
    w.text(name);
    w.svarint(t.count);
    w.svarint(t.amount_minor);
}
}  // namespace

std::string batch_debit_name(const iso8583::TerminalId& terminal, iso8583::BatchNumber batch, bool foreign) {
    return batch_name(terminal, batch, foreign ? "/fd" : "/d");
}
std::string batch_credit_name(const iso8583::TerminalId& terminal, iso8583::BatchNumber batch, bool foreign) {
    return batch_name(terminal, batch, foreign ? "/fc" : "/c");
}
std::optional<iso8583::TerminalId> terminal_of_batch_sum(std::string_view name) {
    constexpr std::size_t terminal_size = 8;
    if (!name.starts_with(batches_prefix)) return std::nullopt;
    const auto terminal = iso8583::TerminalId::parse(name.substr(batches_prefix.size(), terminal_size));
    return terminal ? std::optional(*terminal) : std::nullopt;
}
std::string refund_counts_prefix(iso8583::BusinessDate day) { return day_name('v', day); }
std::string refund_count_name(const iso8583::TerminalId& terminal, iso8583::BusinessDate day) {
    return day_name('v', day, terminal.view());
}
std::string accounts_prefix(iso8583::BusinessDate day) { return day_name('l', day); }
std::string account_name(iso8583::BusinessDate day, Account account, std::string_view who) {
    static_assert(static_cast<int>(Account::fee_income) < 10, "an account has one digit in a name");
    const char digit = static_cast<char>('0' + static_cast<int>(account));
    return day_name('l', day, {&digit, 1}, "/", who);
}

void Totals::add(const std::string& sum, std::int64_t count, std::int64_t amount_minor) {
    const auto [at, is_new] = of_turn_.try_emplace(sum, OfTurn{differences_.size(), nullptr});
    if (is_new) {
        differences_.push_back({false, sum, {}});
        at->second.sum = &sums_[sum];
    }
    for (Total* total : {&differences_[at->second.difference].total, at->second.sum}) {
        total->count += count;
        total->amount_minor += amount_minor;
    }
}

void Totals::forget(const std::string& prefix) {
    of_turn_.clear();
    Difference d{true, prefix, {}};
    apply(d);
    differences_.push_back(std::move(d));
}

void Totals::apply(const Difference& d) {
    if (d.forget) {
        auto at = sums_.lower_bound(d.name);
        while (at != sums_.end() && at->first.compare(0, d.name.size(), d.name) == 0) at = sums_.erase(at);
        return;
    }
    Total& t = sums_[d.name];
    t.count += d.total.count;
    t.amount_minor += d.total.amount_minor;
}

Total Totals::get(const std::string& sum) const {
    const auto at = sums_.find(sum);
    return at == sums_.end() ? Total{} : at->second;
}

std::string Totals::take_differences() {
    RecordWriter w(part_version);
    w.varint(differences_.size());
    for (const Difference& d : differences_) {
        w.boolean(d.forget);
        write(w, d.name, d.total);
    }
    differences_.clear();
    of_turn_.clear();
    return w.finish();
}

Result<void> Totals::apply_differences(std::string_view stored) {
    RecordReader r(stored, part_version, "turn differences");
    const auto count = r.varint_max("count", stored.size() / sum_bytes_min);
    std::vector<Difference> read;
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        Difference d;
        d.forget = r.boolean("forget");
        d.name = r.text("name");
        d.total.count = r.svarint("count");
        d.total.amount_minor = r.svarint("amount");
        read.push_back(std::move(d));
    }
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    for (const Difference& d : read) apply(d);
    return {};
}

std::string Totals::checkpoint() const {
    RecordWriter w(part_version);
    w.varint(sums_.size());
    for (const auto& [name, total] : sums_) write(w, name, total);
    return w.finish();
}

Result<void> Totals::load_checkpoint(std::string_view stored) {
    sums_.clear();
    of_turn_.clear();
    return add_stored(stored);
}

Result<void> Totals::add_stored(std::string_view stored) {
    RecordReader r(stored, part_version, "totals checkpoint");
    const auto count = r.varint_max("count", stored.size() / sum_bytes_min);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        std::string sum(r.text("name"));
        Total t;
        t.count = r.svarint("count");
        t.amount_minor = r.svarint("amount");
        if (r.ok()) apply({false, std::move(sum), t});
    }
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return {};
}

std::vector<Totals::DayPart> Totals::accounts_before(iso8583::BusinessDate day, std::size_t part_max) const {
    std::vector<DayPart> parts;
    const auto end = sums_.lower_bound(accounts_prefix(day));
    for (auto at = sums_.lower_bound("l/"); at != end;) {
        const std::string prefix = at->first.substr(0, accounts_prefix(day).size());
        Totals part;
        for (; at != end && part.sums_.size() < part_max && at->first.compare(0, prefix.size(), prefix) == 0;
             ++at)
            part.sums_.emplace(*at);
        // Names are account_name()'s, whose second part is a day.
        const auto date = iso8583::Date::parse_yyyymmdd(std::string_view(prefix).substr(2, 8));
        if (date) parts.push_back({{*date}, part.checkpoint()});
    }
    return parts;
}

namespace {
// Bytes on disk: do not change.
enum TurnProperty : std::uint32_t { exceptions_from_property = 1 };
}  // namespace

std::string encode(const TurnRecord& t) {
    RecordWriter w(property_record_version);
    w.svarint(t.rrn_day);
    w.varint(t.rrn_sequence);
    w.varint(t.issuer_stan);
    w.svarint(t.issuer_time_ms);
    w.varint(t.exception_sequence);
    w.text(t.low_water);
    w.text(t.differences);
    if (!t.exceptions_from.empty()) {
        w.begin_property(exceptions_from_property);
        w.varint(t.exceptions_from_turn);
        w.text(t.exceptions_from);
        w.end_property();
    }
    w.kept_properties(t.unknown_properties);
    return w.finish();
}

Result<TurnRecord> decode_turn_record(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "turn");
    TurnRecord t;
    t.rrn_day = static_cast<std::int32_t>(r.svarint("rrn_day"));
    t.rrn_sequence = r.varint("rrn_sequence");
    t.issuer_stan = static_cast<std::uint32_t>(r.varint_max("issuer_stan", iso8583::Stan::value_max));
    t.issuer_time_ms = r.svarint("issuer_time_ms");
    t.exception_sequence = static_cast<std::uint32_t>(r.varint_max("exception_sequence", 0xFFFFFFFF));
    t.low_water = r.text("low_water");
    t.differences = r.text("differences");
    while (r.next_property()) {
        if (r.property() == exceptions_from_property) {
            t.exceptions_from_turn = r.varint("exceptions_from_turn");
            t.exceptions_from = r.text("exceptions_from");
        } else {
            r.keep_property(t.unknown_properties, exceptions_from_property);
        }
    }
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return t;
}

std::string encode(const CheckpointRecord& c) {
    RecordWriter w(property_record_version);
    w.varint(c.turn);
    w.text(encode(c.counters));
    w.text(c.sums);
    w.kept_properties(c.unknown_properties);
    return w.finish();
}

Result<CheckpointRecord> decode_checkpoint(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "checkpoint");
    CheckpointRecord c;
    c.turn = r.varint("turn");
    const std::string_view counters = r.text("counters");
    c.sums = r.text("sums");
    c.unknown_properties = r.unknown_properties();
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    auto inner = decode_turn_record(counters);
    if (!inner) return tl::unexpected(inner.error());
    c.counters = std::move(*inner);
    return c;
}

}  // namespace ledger
