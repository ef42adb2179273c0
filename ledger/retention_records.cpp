#include "ledger/retention_records.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

// Bytes on disk: do not change.
constexpr char state_letter = 's';
constexpr char log_letter = 'l';
constexpr char waiting_letter = 'w';
constexpr char sum_letter = 'p';
constexpr std::size_t waiting_key_bytes = 3 + 8;  // before the RRN
constexpr std::uint64_t families_max = retention_families.size();

std::string key_of(char letter) { return {static_cast<char>(KeyPrefix::retention), letter}; }
char digit_of(RetentionFamily family) { return static_cast<char>('0' + static_cast<int>(family)); }

KeyRange all_of(std::string prefix) {
    KeyRange range{prefix, std::move(prefix)};
    ++range.to.back();  // a letter or digit
    return range;
}

StoreError damage(const iso8583::ParseError& error) {
    return StoreError{StoreError::Kind::corruption, error.what};
}

iso8583::Date local_day(RecordReader& r, std::string_view field) { return day_of(r, field).date; }

}  // namespace

std::string_view name(RetentionFamily family) {
    switch (family) {
        case RetentionFamily::card_numbers:
            return "card_numbers";
        case RetentionFamily::requests:
            return "requests";
        case RetentionFamily::transactions:
            return "transactions";
        case RetentionFamily::exceptions:
            return "exceptions";
        case RetentionFamily::proposals:
            return "proposals";
        case RetentionFamily::batches:
            return "batches";
        case RetentionFamily::reconciliation:
            return "reconciliation";
        case RetentionFamily::notices:
            return "notices";
    }
    ENSURE(false);
}

bool is_of_stories(RetentionFamily family) { return family <= RetentionFamily::transactions; }

void PurgeLogEntry::add(const std::string& what, iso8583::BusinessDate of) {
    first = purged == 0 ? what : std::min(first, what);
    last = std::max(last, what);
    oldest = purged == 0 ? of : std::min(oldest, of);
    newest = purged == 0 ? of : std::max(newest, of);
    ++purged;
}

void PurgeLogEntry::add(const PurgeLogEntry& other) {
    first = std::min(first, other.first);
    last = std::max(last, other.last);
    oldest = std::min(oldest, other.oldest);
    newest = std::max(newest, other.newest);
    at = std::max(at, other.at);
    purged += other.purged;
}

std::string encode(const PurgeLogEntry& e) {
    RecordWriter w(property_record_version);
    w.svarint(e.day.date.days());
    w.u8(static_cast<std::uint8_t>(e.family));
    w.varint(e.purged);
    w.text(e.first);
    w.text(e.last);
    w.svarint(e.oldest.date.days());
    w.svarint(e.newest.date.days());
    w.svarint(e.at.ms);
    w.text(e.by);
    w.kept_properties(e.unknown_properties);
    return w.finish();
}

Result<PurgeLogEntry> decode_purge_log_entry(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "purge log");
    PurgeLogEntry e;
    e.day = day_of(r, "day");
    e.family = enum_of(r, "family", r.u8("family"), RetentionFamily::notices);
    e.purged = r.varint("purged");
    e.first = r.text("first");
    e.last = r.text("last");
    e.oldest = day_of(r, "oldest");
    e.newest = day_of(r, "newest");
    e.at.ms = r.svarint("at");
    e.by = r.text("by");
    e.unknown_properties = r.unknown_properties();
    return finished(r, std::move(e));
}

std::string encode(const RetentionState& s) {
    RecordWriter w(property_record_version);
    w.varint(s.runs);
    w.svarint(s.day.date.days());
    w.svarint(s.began.ms);
    w.svarint(s.ended.ms);
    w.text(s.by);
    w.boolean(s.from_the_beginning);
    w.boolean(s.running);
    w.u8(static_cast<std::uint8_t>(s.family));
    w.u8(static_cast<std::uint8_t>(s.stage));
    w.svarint(s.date.days());
    w.text(s.cursor);
    w.varint(s.looked_through.size());
    for (const auto& [family, date] : s.looked_through) {
        w.u8(static_cast<std::uint8_t>(family));
        w.svarint(date.days());
    }
    w.kept_properties(s.unknown_properties);
    return w.finish();
}

Result<RetentionState> decode_retention_state(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "retention");
    RetentionState s;
    s.runs = r.varint("runs");
    s.day = day_of(r, "day");
    s.began.ms = r.svarint("began");
    s.ended.ms = r.svarint("ended");
    s.by = r.text("by");
    s.from_the_beginning = r.boolean("from the beginning");
    s.running = r.boolean("running");
    s.family = enum_of(r, "family", r.u8("family"), RetentionFamily::notices);
    s.stage = enum_of(r, "stage", r.u8("stage"), RetentionState::Stage::days);
    s.date = local_day(r, "date");
    s.cursor = r.text("cursor");
    const auto count = r.varint_max("looked through", families_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        const auto family =
            enum_of(r, "looked through", r.u8("looked through"), RetentionFamily::transactions);
        s.looked_through[family] = local_day(r, "looked through");
    }
    s.unknown_properties = r.unknown_properties();
    return finished(r, std::move(s));
}

std::string retention_state_key() { return key_of(state_letter); }

std::string purge_log_key(iso8583::BusinessDate day, RetentionFamily family) {
    return key_of(log_letter) + day.date.yyyymmdd() + digit_of(family);
}
KeyRange purge_log_keys() { return all_of(key_of(log_letter)); }

std::string retention_waiting_key(RetentionFamily family, iso8583::BusinessDate again,
                                  const iso8583::Rrn& rrn) {
    return key_of(waiting_letter) + digit_of(family) + again.date.yyyymmdd() + rrn.str();
}
KeyRange retention_waiting_of(RetentionFamily family) {
    return all_of(key_of(waiting_letter) + digit_of(family));
}
KeyRange retention_waiting_until(RetentionFamily family, iso8583::BusinessDate day) {
    return {retention_waiting_of(family).from,
            key_of(waiting_letter) + digit_of(family) + day.next().date.yyyymmdd()};
}
std::optional<iso8583::Rrn> waiting_rrn(std::string_view key) {
    if (key.size() <= waiting_key_bytes) return std::nullopt;
    const auto rrn = iso8583::Rrn::parse(key.substr(waiting_key_bytes));
    return rrn ? std::optional(*rrn) : std::nullopt;
}

std::string purged_sum_key(std::string_view sum) { return key_of(sum_letter) + std::string(sum); }

std::string encode_purged_sum(const Total& total) {
    RecordWriter w(property_record_version);
    w.svarint(total.count);
    w.svarint(total.amount_minor);
    return w.finish();
}

Result<Total> decode_purged_sum(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "purged sum");
    Total total;
    total.count = r.svarint("count");
    total.amount_minor = r.svarint("amount");
    (void)r.unknown_properties();
    return finished(r, total);
}

std::string purged_fees_name(const iso8583::MerchantId& merchant) { return "k/" + merchant.str() + "/fees"; }
std::string purged_discounts_name(const iso8583::MerchantId& merchant) {
    return "k/" + merchant.str() + "/discounts";
}
std::string purged_draws_name(const iso8583::MerchantId& merchant) {
    return "k/" + merchant.str() + "/draws";
}

std::vector<std::string> slot_keys_of(const TransactionRecord& r) {
    std::vector<std::string> keys;
    // The ISO profile has no batch numbers in its keys; the other no DE7.
    const auto add = [&](const iso8583::TerminalId& terminal, iso8583::BatchNumber batch, iso8583::Stan stan,
                         std::uint32_t transmission_time) {
        if (stan.value() == 0) return;  // people opened it: it came under no key
        keys.push_back(trace_slot_key(r.merchant, terminal,
                                      transmission_time == 0 ? std::optional(batch) : std::nullopt, stan));
    };
    add(r.terminal, r.batch, r.stan, r.transmission_time.value());
    for (const AskingKey& joined : r.shared.joined)
        add(joined.terminal, joined.batch, joined.stan, joined.transmission_time);
    return keys;
}

Result<std::optional<RetentionState>, StoreError> stored_retention_state(const StoreReader& store) {
    const auto stored = store.get(Family::journal, retention_state_key());
    if (!stored) return tl::unexpected(stored.error());
    if (!*stored) return std::optional<RetentionState>();
    auto state = decode_retention_state(**stored);
    if (!state) return tl::unexpected(damage(state.error()));
    return std::optional(std::move(*state));
}

Result<std::map<std::string, Total>, StoreError> purged_sums(const StoreReader& store) {
    std::map<std::string, Total> sums;
    std::optional<StoreError> fault;
    const std::string prefix = purged_sum_key("");
    const KeyRange range = all_of(prefix);
    const auto scanned =
        store.scan(Family::journal, range.from, range.to, [&](std::string_view key, std::string_view value) {
            const auto total = decode_purged_sum(value);
            if (!total) {
                fault = damage(total.error());
                return false;
            }
            sums[std::string(key.substr(prefix.size()))] = *total;
            return true;
        });
    if (!scanned) return tl::unexpected(scanned.error());
    if (fault) return tl::unexpected(*fault);
    return sums;
}

Result<void, StoreError> visit_purge_log(const StoreReader& store,
                                         const std::function<bool(const PurgeLogEntry&)>& visit) {
    std::optional<StoreError> fault;
    const KeyRange range = purge_log_keys();
    auto scanned =
        store.scan(Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
            const auto entry = decode_purge_log_entry(value);
            if (!entry) fault = damage(entry.error());
            return entry && visit(*entry);
        });
    if (fault) return tl::unexpected(*fault);
    return scanned;
}

Result<std::optional<PurgeLogEntry>, StoreError> purge_of_transactions(const StoreReader& store,
                                                                       iso8583::Date date) {
    std::optional<PurgeLogEntry> found;
    const auto visited = visit_purge_log(store, [&](const PurgeLogEntry& entry) {
        const bool holds = entry.family == RetentionFamily::transactions && entry.oldest.date <= date &&
                           date <= entry.newest.date;
        if (holds) found = entry;
        return !holds;
    });
    if (!visited) return tl::unexpected(visited.error());
    return found;
}

}  // namespace ledger
