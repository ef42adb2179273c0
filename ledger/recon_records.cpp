#include "ledger/recon_records.hpp"

#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

/// Of an entry's open key: behind its name stand the day and the route.
constexpr std::size_t day_digits = 8;
constexpr std::size_t route_digits = 5;

std::string prefixed(KeyPrefix prefix, std::string_view a, std::string_view b = {}, std::string_view c = {}) {
    std::string out(1, static_cast<char>(prefix));
    out += a;
    out += b;
    out += c;
    return out;
}

std::string route_text(std::uint16_t route) { return iso8583::zero_padded(route, route_digits); }

KeyRange keys_that_begin(const std::string& prefix) {
    KeyRange range{prefix, prefix};
    range.to.back() = static_cast<char>(static_cast<unsigned char>(range.to.back()) + 1);
    return range;
}

void write_day(RecordWriter& w, const std::optional<iso8583::BusinessDate>& day) {
    w.boolean(day.has_value());
    w.svarint(day ? day->date.days() : 0);
}
std::optional<iso8583::BusinessDate> read_day(RecordReader& r, std::string_view field) {
    const bool given = r.boolean(field);
    const iso8583::BusinessDate day = day_of(r, field);
    return given ? std::optional(day) : std::nullopt;
}

void write_line(RecordWriter& w, const ReconLine& line) {
    w.u64(line.identity);
    w.varint(line.file);
    w.varint(line.line_number);
    w.u8(static_cast<std::uint8_t>(line.effect));
    w.boolean(line.is_reversal);
    w.svarint(line.amount_minor);
    w.varint(line.currency);
    w.text(line.card_last4);
    w.text(line.merchant);
    w.svarint(line.day.date.days());
}
ReconLine read_line(RecordReader& r) {
    ReconLine line;
    line.identity = r.u64("identity");
    line.file = u32_of(r, "file");
    line.line_number = r.varint("line number");
    line.effect = enum_of(r, "effect", r.u8("effect"), IssuerEffect::void_of_sale);
    line.is_reversal = r.boolean("is_reversal");
    line.amount_minor = r.svarint("amount");
    line.currency = static_cast<std::uint16_t>(r.varint_max("currency", 999));
    line.card_last4 = r.text("card_last4");
    line.merchant = r.text("merchant");
    line.day = day_of(r, "day");
    return line;
}

}  // namespace

std::string_view name(IssuerEffect effect) {
    switch (effect) {
        case IssuerEffect::sale:
            return "sale";
        case IssuerEffect::refund:
            return "refund";
        case IssuerEffect::void_of_sale:
            return "void";
    }
    return "?";
}

std::string_view name(ReconStatus status) {
    switch (status) {
        case ReconStatus::unjudged:
            return "unjudged";
        case ReconStatus::matched:
            return "matched";
        case ReconStatus::late:
            return "late";
        case ReconStatus::pending:
            return "pending";
        case ReconStatus::amount_differs:
            return "amount_differs";
        case ReconStatus::missing_there:
            return "missing_there";
        case ReconStatus::missing_here:
            return "missing_here";
        case ReconStatus::wrong_route:
            return "wrong_route";
        case ReconStatus::wrong_card:
            return "wrong_card";
        case ReconStatus::wrong_merchant:
            return "wrong_merchant";
        case ReconStatus::too_late:
            return "too_late";
        case ReconStatus::settled:
            return "settled";
    }
    return "?";
}

bool is_open(ReconStatus status) {
    return status != ReconStatus::matched && status != ReconStatus::late && status != ReconStatus::settled;
}
bool is_difference(ReconStatus status) {
    return is_open(status) && status != ReconStatus::unjudged && status != ReconStatus::pending;
}
bool is_red(ReconStatus status) {
    return status == ReconStatus::wrong_route || status == ReconStatus::wrong_card ||
           status == ReconStatus::wrong_merchant;
}

std::optional<iso8583::Rrn> ReconEntry::rrn() const {
    auto parsed = iso8583::Rrn::parse(ref);
    return parsed ? std::optional(*parsed) : std::nullopt;
}

std::string encode(const ReconEntry& e) {
    RecordWriter w(property_record_version);
    w.svarint(e.day.date.days());
    w.u16(e.route);
    w.text(e.ref);
    w.u8(static_cast<std::uint8_t>(e.status));
    w.u8(static_cast<std::uint8_t>(e.effect));
    w.text(e.merchant);
    w.svarint(e.ours_minor);
    w.svarint(e.theirs_minor);
    w.text(e.why);
    w.svarint(e.judged.ms);
    w.text(e.exception);
    w.text(e.note);
    w.text(e.settled_by);
    w.boolean(e.lines_left_out);
    w.varint(e.lines.size());
    for (const ReconLine& line : e.lines) write_line(w, line);
    w.kept_properties(e.unknown_properties);
    return w.finish();
}

Result<ReconEntry> decode_recon_entry(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "reconciliation entry");
    ReconEntry e;
    e.day = day_of(r, "day");
    e.route = r.u16("route");
    e.ref = r.text("ref");
    e.status = enum_of(r, "status", r.u8("status"), ReconStatus::settled);
    e.effect = enum_of(r, "effect", r.u8("effect"), IssuerEffect::void_of_sale);
    e.merchant = r.text("merchant");
    e.ours_minor = r.svarint("ours");
    e.theirs_minor = r.svarint("theirs");
    e.why = r.text("why");
    e.judged.ms = r.svarint("judged");
    e.exception = r.text("exception");
    e.note = r.text("note");
    e.settled_by = r.text("settled by");
    e.lines_left_out = r.boolean("lines left out");
    const std::uint64_t count = r.varint_max("lines", ReconEntry::lines_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) e.lines.push_back(read_line(r));
    return finished(r, std::move(e));
}

bool IssuerFileRecord::covers(iso8583::BusinessDate asked) const {
    return (state == State::judging || state == State::done) && first_day && *first_day <= asked &&
           asked <= *last_day;
}

std::string_view name(IssuerFileRecord::State state) {
    switch (state) {
        case IssuerFileRecord::State::checking:
            return "checking";
        case IssuerFileRecord::State::applying:
            return "applying";
        case IssuerFileRecord::State::judging:
            return "judging";
        case IssuerFileRecord::State::done:
            return "done";
        case IssuerFileRecord::State::refused:
            return "refused";
    }
    return "?";
}

std::string encode(const IssuerFileRecord& f) {
    RecordWriter w(property_record_version);
    w.varint(f.number);
    w.u8(static_cast<std::uint8_t>(f.state));
    w.u16(f.route);
    w.text(f.sha256);
    w.text(f.name);
    w.varint(f.bytes);
    write_day(w, f.day);
    w.varint(f.offset);
    w.varint(f.line_number);
    w.text(f.cursor);
    w.varint(f.lines);
    w.varint(f.applied);
    w.varint(f.repeated);
    w.varint(f.replaced);
    w.varint(f.bad);
    w.varint(f.bad_lines.size());
    for (const IssuerFileRecord::BadLine& bad : f.bad_lines) {
        w.varint(bad.line_number);
        w.text(bad.what);
    }
    write_day(w, f.first_day);
    write_day(w, f.last_day);
    w.text(f.by);
    w.svarint(f.began.ms);
    w.svarint(f.ended.ms);
    w.kept_properties(f.unknown_properties);
    return w.finish();
}

Result<IssuerFileRecord> decode_issuer_file(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "issuer file");
    IssuerFileRecord f;
    f.number = u32_of(r, "number");
    f.state = enum_of(r, "state", r.u8("state"), IssuerFileRecord::State::refused);
    f.route = r.u16("route");
    f.sha256 = r.text("sha256");
    f.name = r.text("name");
    f.bytes = r.varint("bytes");
    f.day = read_day(r, "day");
    f.offset = r.varint("offset");
    f.line_number = r.varint("line number");
    f.cursor = r.text("cursor");
    f.lines = r.varint("lines");
    f.applied = r.varint("applied");
    f.repeated = r.varint("repeated");
    f.replaced = r.varint("replaced");
    f.bad = r.varint("bad");
    const std::uint64_t count = r.varint_max("bad lines", IssuerFileRecord::bad_lines_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        const std::uint64_t line_number = r.varint("bad line");
        f.bad_lines.push_back({line_number, std::string(r.text("what"))});
    }
    f.first_day = read_day(r, "first day");
    f.last_day = read_day(r, "last day");
    if (f.first_day.has_value() != f.last_day.has_value()) r.fail("last day", "the first day stands alone");
    f.by = r.text("by");
    f.began.ms = r.svarint("began");
    f.ended.ms = r.svarint("ended");
    return finished(r, std::move(f));
}

std::string_view name(ReconDayRecord::State state) {
    switch (state) {
        case ReconDayRecord::State::ours:
            return "ours";
        case ReconDayRecord::State::theirs:
            return "theirs";
        case ReconDayRecord::State::done:
            return "done";
    }
    return "?";
}

std::string encode(const ReconDayRecord& d) {
    RecordWriter w(property_record_version);
    w.svarint(d.day.date.days());
    w.u8(static_cast<std::uint8_t>(d.state));
    w.varint(d.routes.size());
    for (const std::uint16_t route : d.routes) w.u16(route);
    w.svarint(d.date.days());
    w.text(d.cursor);
    w.varint(d.looked_at);
    w.text(d.by);
    w.svarint(d.began.ms);
    w.svarint(d.ended.ms);
    w.kept_properties(d.unknown_properties);
    return w.finish();
}

Result<ReconDayRecord> decode_recon_day(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "reconciled day");
    ReconDayRecord d;
    d.day = day_of(r, "day");
    d.state = enum_of(r, "state", r.u8("state"), ReconDayRecord::State::done);
    const std::uint64_t count = r.varint_max("routes", ReconDayRecord::routes_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) d.routes.push_back(r.u16("route"));
    d.date = date_of(r, "date", r.svarint("date"));
    d.cursor = r.text("cursor");
    d.looked_at = r.varint("looked at");
    d.by = r.text("by");
    d.began.ms = r.svarint("began");
    d.ended.ms = r.svarint("ended");
    return finished(r, std::move(d));
}

std::string recon_ref(const iso8583::Rrn& rrn) { return rrn.str(); }
std::string recon_ref(iso8583::Stan stan, iso8583::TransmissionTime time,
                      const iso8583::TerminalId& terminal) {
    return "S" + stan.str() + "-" + time.str() + "-" + terminal.str();
}

std::optional<iso8583::Stan> stan_of_recon_ref(std::string_view ref) {
    if (ref.empty() || ref.front() != 'S') return std::nullopt;
    const auto stan = iso8583::Stan::parse(ref.substr(1, ref.find('-') - 1));
    return stan ? std::optional(*stan) : std::nullopt;
}

std::string issuer_file_key(std::string_view sha256, std::uint16_t route) {
    return prefixed(KeyPrefix::issuer_file, sha256, route_text(route));
}
std::string recon_entry_key(iso8583::BusinessDate day, std::uint16_t route, std::string_view ref) {
    return prefixed(KeyPrefix::recon_entry, day.date.yyyymmdd(), route_text(route), ref);
}
KeyRange recon_entries_of(iso8583::BusinessDate day) {
    return keys_that_begin(prefixed(KeyPrefix::recon_entry, day.date.yyyymmdd()));
}
std::string recon_open_key(iso8583::BusinessDate day, std::uint16_t route, std::string_view ref) {
    return prefixed(KeyPrefix::recon_open, ref, day.date.yyyymmdd(), route_text(route));
}
Result<ReconOpenKey> parse_recon_open_key(std::string_view key) {
    constexpr std::size_t behind = day_digits + route_digits;
    if (key.size() <= 1 + behind || key[0] != static_cast<char>(KeyPrefix::recon_open))
        return parse_error("no key of an open reconciliation entry");
    ReconOpenKey of;
    of.ref = key.substr(1, key.size() - 1 - behind);
    const auto day = iso8583::Date::parse_yyyymmdd(key.substr(key.size() - behind, day_digits));
    if (!day) return parse_error("an open reconciliation entry of no day");
    of.day = {*day};
    std::uint32_t route = 0;
    for (const char c : key.substr(key.size() - route_digits)) {
        if (c < '0' || c > '9') return parse_error("an open reconciliation entry of no route");
        route = route * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (route > 0xFFFF) return parse_error("an open reconciliation entry of no route");
    of.route = static_cast<std::uint16_t>(route);
    return of;
}
KeyRange recon_open_of(std::string_view ref) { return keys_that_begin(prefixed(KeyPrefix::recon_open, ref)); }
std::string recon_day_key(iso8583::BusinessDate day) {
    return prefixed(KeyPrefix::recon_day, day.date.yyyymmdd());
}

}  // namespace ledger
