#include "ledger/stored_records.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

/// Properties of a part that stands more than once in a record: from version 2 on, with their length.
std::string inner_properties(RecordReader& r) {
    return r.version() < property_record_version ? std::string() : std::string(r.text("part properties"));
}

void write_key(RecordWriter& w, const ZoneKeyRecord::Key& k) {
    w.text(k.block);
    w.text(k.kcv);
}
ZoneKeyRecord::Key read_key(RecordReader& r) {
    ZoneKeyRecord::Key k;
    k.block = r.text("block");
    k.kcv = r.text("kcv");
    return k;
}

void write_totals(RecordWriter& w, const TerminalRecord::BatchTotals& t) {
    w.svarint(t.debit_minor);
    w.varint(t.debit_count);
    w.svarint(t.credit_minor);
    w.varint(t.credit_count);
}
TerminalRecord::BatchTotals read_totals(RecordReader& r) {
    TerminalRecord::BatchTotals t;
    t.debit_minor = r.svarint("debit_minor");
    t.debit_count = static_cast<std::uint32_t>(r.varint_max("debit_count", 0xFFFFFFFF));
    t.credit_minor = r.svarint("credit_minor");
    t.credit_count = static_cast<std::uint32_t>(r.varint_max("credit_count", 0xFFFFFFFF));
    return t;
}

}  // namespace

std::string encode(const TraceSlot& slot) {
    RecordWriter w(property_record_version);
    w.varint(slot.entries.size());
    for (const TraceEntry& e : slot.entries) {
        w.u8(e.message_class);
        w.boolean(e.tombstone);
        w.text(e.message_type);
        w.text(e.processing_code);
        w.varint(e.transmission_time);
        w.u64(e.digest);
        w.svarint(e.created_ms);
        w.text(e.local_stamp);
        w.text(e.rrn.view());
        w.text(e.unknown_properties);
    }
    w.kept_properties(slot.unknown_properties);
    return w.finish();
}

Result<TraceSlot> decode_trace_slot(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "trace slot");
    TraceSlot slot;
    const auto count = r.varint_max("entries", TraceSlot::entries_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        TraceEntry e;
        e.message_class = r.u8("message_class");
        e.tombstone = r.boolean("tombstone");
        e.message_type = r.text("message_type");
        e.processing_code = r.text("processing_code");
        e.transmission_time = static_cast<std::uint32_t>(r.varint_max("transmission_time", 0xFFFFFFFF));
        e.digest = r.u64("digest");
        e.created_ms = r.svarint("created_ms");
        e.local_stamp = r.text("local_stamp");
        e.rrn = id_or_empty<iso8583::Rrn>(r, "rrn");
        e.unknown_properties = inner_properties(r);
        slot.entries.push_back(std::move(e));
    }
    slot.unknown_properties = r.unknown_properties();
    return finished(r, std::move(slot));
}

namespace {
/// Numbers of an exception's properties. Bytes on disk: do not change.
enum ExceptionProperty : std::uint32_t {
    exception_subject_property = 1,
    exception_repeats_property = 2,
    exception_resolved_property = 3
};
}  // namespace

std::string encode(const ExceptionRecord& x) {
    RecordWriter w(property_record_version);
    w.text(x.id);
    w.svarint(x.opened.ms);
    w.text(x.kind);
    w.text(x.rule);
    w.text(x.owner);
    w.text(x.text);
    w.text(x.resolution);
    w.text(x.resolved_by);
    w.boolean(x.alarm);
    w.property_unless_empty(exception_subject_property, x.subject);
    if (x.repeats != 0) {
        w.begin_property(exception_repeats_property);
        w.varint(x.repeats);
        w.varint(x.last_texts.size());
        for (const std::string& text : x.last_texts) w.text(text);
        w.end_property();
    }
    if (x.resolved.ms != 0) {
        w.begin_property(exception_resolved_property);
        w.svarint(x.resolved.ms);
        w.end_property();
    }
    w.kept_properties(x.unknown_properties);
    return w.finish();
}

Result<ExceptionRecord> decode_exception(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "exception");
    ExceptionRecord x;
    x.id = r.text("id");
    x.opened.ms = r.svarint("opened");
    x.kind = r.text("kind");
    x.rule = r.text("rule");
    x.owner = r.text("owner");
    x.text = r.text("text");
    x.resolution = r.text("resolution");
    x.resolved_by = r.text("resolved_by");
    x.alarm = r.boolean("alarm");
    while (r.next_property()) switch (r.property()) {
            case exception_subject_property:
                x.subject = r.rest("subject");
                break;
            case exception_repeats_property: {
                x.repeats = u32_of(r, "repeats");
                const auto count = r.varint_max("last_texts", ExceptionRecord::last_texts_max);
                for (std::uint64_t i = 0; i < count && r.ok(); ++i)
                    x.last_texts.emplace_back(r.text("last_text"));
                break;
            }
            case exception_resolved_property:
                x.resolved.ms = r.svarint("resolved");
                break;
            default:
                r.keep_property(x.unknown_properties, exception_resolved_property);
        }
    return finished(r, std::move(x));
}

std::string_view name(Proposal::State state) {
    switch (state) {
        case Proposal::State::open:
            return "open";
        case Proposal::State::approved:
            return "approved";
        case Proposal::State::rejected:
            return "rejected";
        case Proposal::State::lapsed:
            return "lapsed";
    }
    ENSURE(false);
}

std::string encode(const Proposal& p) {
    RecordWriter w(property_record_version);
    w.text(p.id);
    w.u8(static_cast<std::uint8_t>(p.state));
    w.text(p.action);
    w.text(p.outcome);
    w.text(p.rrn.view());
    w.text(p.subject);
    w.svarint(p.amount_minor);
    w.text(p.note);
    w.text(p.maker);
    w.svarint(p.opened.ms);
    w.varint(p.approvals_needed);
    w.varint(p.approvals.size());
    for (const std::string& who : p.approvals) w.text(who);
    w.u64(p.digest);
    w.text(p.ended_by);
    w.svarint(p.ended.ms);
    w.kept_properties(p.unknown_properties);
    return w.finish();
}

Result<Proposal> decode_proposal(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "proposal");
    Proposal p;
    p.id = r.text("id");
    p.state = enum_of(r, "state", r.u8("state"), Proposal::State::lapsed);
    p.action = r.text("action");
    p.outcome = r.text("outcome");
    p.rrn = id_or_empty<iso8583::Rrn>(r, "rrn");
    p.subject = r.text("subject");
    p.amount_minor = r.svarint("amount");
    p.note = r.text("note");
    p.maker = r.text("maker");
    p.opened.ms = r.svarint("opened");
    p.approvals_needed = u32_of(r, "approvals_needed");
    const auto count = r.varint_max("approvals", Proposal::approvals_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) p.approvals.emplace_back(r.text("approval"));
    p.digest = r.u64("digest");
    p.ended_by = r.text("ended_by");
    p.ended.ms = r.svarint("ended");
    p.unknown_properties = r.unknown_properties();
    return finished(r, std::move(p));
}

std::string_view name(Dispute::Kind kind) { return kind == Dispute::Kind::hold ? "hold" : "chargeback"; }
std::string_view name(Dispute::State state) {
    switch (state) {
        case Dispute::State::open:
            return "open";
        case Dispute::State::won:
            return "won";
        case Dispute::State::lost:
            return "lost";
        case Dispute::State::closed:
            return "closed";
    }
    ENSURE(false);
}

std::string encode(const Dispute& d) {
    RecordWriter w(property_record_version);
    w.text(d.id);
    w.u8(static_cast<std::uint8_t>(d.kind));
    w.u8(static_cast<std::uint8_t>(d.state));
    w.text(d.sale.view());
    w.svarint(d.amount_minor);
    w.svarint(d.counted_minor);
    w.text(d.reference);
    w.text(d.opened_by);
    w.svarint(d.opened.ms);
    w.text(d.closed_by);
    w.svarint(d.closed.ms);
    w.text(d.note);
    w.kept_properties(d.unknown_properties);
    return w.finish();
}

Result<Dispute> decode_dispute(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "dispute");
    Dispute d;
    d.id = r.text("id");
    d.kind = enum_of(r, "kind", r.u8("kind"), Dispute::Kind::hold);
    d.state = enum_of(r, "state", r.u8("state"), Dispute::State::closed);
    d.sale = id_or_empty<iso8583::Rrn>(r, "sale");
    d.amount_minor = r.svarint("amount");
    d.counted_minor = r.svarint("counted");
    d.reference = r.text("reference");
    d.opened_by = r.text("opened_by");
    d.opened.ms = r.svarint("opened");
    d.closed_by = r.text("closed_by");
    d.closed.ms = r.svarint("closed");
    d.note = r.text("note");
    d.unknown_properties = r.unknown_properties();
    return finished(r, std::move(d));
}
namespace {
/// Numbers of a terminal's properties. Bytes on disk: do not change.
enum TerminalProperty : std::uint32_t {
    closed_foreign_totals_property = 1,
    till_operator_property = 2,
    named_totals_property = 3
};

void write_operator_numbers(RecordWriter& w, const TerminalRecord& t) {
    const auto given = static_cast<std::uint64_t>(std::count_if(
        t.keys.begin(), t.keys.end(), [](const auto& k) { return !k.operator_number.empty(); }));
    if (t.operator_number.empty() && given == 0) return;
    w.begin_property(till_operator_property);
    w.text(t.operator_number);
    w.varint(given);
    for (const auto& k : t.keys) {
        if (k.operator_number.empty()) continue;
        w.varint(k.version);
        w.text(k.operator_number);
    }
    w.end_property();
}

void read_operator_numbers(RecordReader& r, TerminalRecord& t) {
    t.operator_number = r.text("operator_number");
    const auto given = r.varint_max("operator_numbers", t.keys.size());
    for (std::uint64_t i = 0; i < given && r.ok(); ++i) {
        const std::uint32_t version = u32_of(r, "operator_number.version");
        const auto key =
            std::find_if(t.keys.begin(), t.keys.end(), [&](const auto& k) { return k.version == version; });
        if (key == t.keys.end()) return r.fail("operator_number.version", "there is no such key");
        key->operator_number = r.text("operator_number.number");
    }
}
}  // namespace

std::string encode(const TerminalRecord& t) {
    // More than are read back would be a record that nobody can start with.
    ENSURE(t.keys.size() <= TerminalRecord::keys_max);
    RecordWriter w(property_record_version);
    w.text(t.terminal.view());
    w.varint(t.batch.value());
    w.varint(t.next_key_version);
    w.varint(t.proven_key_version);
    w.varint(t.keys.size());
    for (const auto& k : t.keys) {
        w.varint(k.version);
        w.text(k.pin_key);
        w.text(k.mac_key);
        w.text(k.unknown_properties);
    }
    w.boolean(t.uploading);
    write_totals(w, t.batch_totals);
    w.varint(t.closed_batch.value());
    write_totals(w, t.closed_totals);
    w.varint(t.closed_stan);
    w.varint(t.closed_transmission_time);
    w.u8(static_cast<std::uint8_t>(t.closed_code));
    w.text(t.closed_rrn);
    w.text(t.closed_local_time);
    w.text(t.closed_local_date);
    w.svarint(t.closed_day.date.days());
    if (!(t.closed_foreign_totals == TerminalRecord::BatchTotals{})) {
        w.begin_property(closed_foreign_totals_property);
        write_totals(w, t.closed_foreign_totals);
        w.end_property();
    }
    write_operator_numbers(w, t);
    if (t.named) {
        w.begin_property(named_totals_property);
        write_totals(w, t.named->domestic);
        write_totals(w, t.named->foreign);
        w.end_property();
    }
    w.kept_properties(t.unknown_properties);
    return w.finish();
}

Result<TerminalRecord> decode_terminal(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "terminal");
    TerminalRecord t;
    if (auto id = iso8583::TerminalId::parse(r.text("terminal")))
        t.terminal = *id;
    else
        r.fail("terminal", "no terminal");
    t.batch = batch_of(r, "batch");
    t.next_key_version = static_cast<std::uint32_t>(r.varint_max("next_key_version", 0xFFFFFFFF));
    t.proven_key_version = static_cast<std::uint32_t>(r.varint_max("proven_key_version", 0xFFFFFFFF));
    const auto keys = r.varint_max("keys", TerminalRecord::keys_max);
    for (std::uint64_t i = 0; i < keys && r.ok(); ++i) {
        TerminalRecord::KeyVersion k;
        k.version = static_cast<std::uint32_t>(r.varint_max("version", 0xFFFFFFFF));
        k.pin_key = r.text("pin_key");
        k.mac_key = r.text("mac_key");
        k.unknown_properties = inner_properties(r);
        t.keys.push_back(std::move(k));
    }
    t.uploading = r.boolean("uploading");
    t.batch_totals = read_totals(r);
    t.closed_batch = batch_of(r, "closed_batch");
    t.closed_totals = read_totals(r);
    t.closed_stan = static_cast<std::uint32_t>(r.varint_max("closed_stan", iso8583::Stan::value_max));
    t.closed_transmission_time =
        static_cast<std::uint32_t>(r.varint_max("closed_transmission_time", 0xFFFFFFFF));
    t.closed_code = static_cast<char>(r.u8("closed_code"));
    t.closed_rrn = r.text("closed_rrn");
    t.closed_local_time = r.text("closed_local_time");
    t.closed_local_date = r.text("closed_local_date");
    t.closed_day = day_of(r, "closed_day");
    while (r.next_property())
        if (r.property() == closed_foreign_totals_property)
            t.closed_foreign_totals = read_totals(r);
        else if (r.property() == till_operator_property)
            read_operator_numbers(r, t);
        else if (r.property() == named_totals_property)
            t.named = TerminalRecord::HalvesOfTotals{read_totals(r), read_totals(r)};
        else
            r.keep_property(t.unknown_properties, named_totals_property);
    return finished(r, std::move(t));
}

std::string encode(const OverrideRecord& o) {
    RecordWriter w(property_record_version);
    w.text(o.state);
    w.text(o.user);
    w.svarint(o.at.ms);
    w.kept_properties(o.unknown_properties);
    return w.finish();
}

Result<OverrideRecord> decode_override(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "override");
    OverrideRecord o;
    o.state = r.text("state");
    o.user = r.text("user");
    o.at.ms = r.svarint("at");
    o.unknown_properties = r.unknown_properties();
    return finished(r, std::move(o));
}

std::string encode(const ZoneKeyRecord& k) {
    RecordWriter w(property_record_version);
    w.u8(static_cast<std::uint8_t>(k.kind));
    w.text(k.route);
    w.text(k.configured);
    write_key(w, k.current);
    w.svarint(k.since.ms);
    w.text(k.by);
    write_key(w, k.previous);
    w.svarint(k.previous_until.ms);
    write_key(w, k.offered);
    w.text(k.offered_under_zmk);
    w.text(k.offered_by);
    w.varint(k.offers);
    w.kept_properties(k.unknown_properties);
    return w.finish();
}

Result<ZoneKeyRecord> decode_zone_key(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "zone key");
    ZoneKeyRecord k;
    k.kind = static_cast<ZoneKeyKind>(r.u8("kind"));
    if (k.kind != ZoneKeyKind::zak && k.kind != ZoneKeyKind::zpk) r.fail("kind", "no kind of zone key");
    k.route = r.text("route");
    k.configured = r.text("configured");
    k.current = read_key(r);
    k.since.ms = r.svarint("since");
    k.by = r.text("by");
    k.previous = read_key(r);
    k.previous_until.ms = r.svarint("previous_until");
    k.offered = read_key(r);
    k.offered_under_zmk = r.text("offered_under_zmk");
    k.offered_by = r.text("offered_by");
    k.offers = static_cast<std::uint32_t>(r.varint_max("offers", 0xFFFFFFFF));
    k.unknown_properties = r.unknown_properties();
    return finished(r, std::move(k));
}

std::string encode(const DaySumsRecord& d) {
    RecordWriter w(property_record_version);
    w.svarint(d.day.date.days());
    w.text(d.sums);
    w.kept_properties(d.unknown_properties);
    return w.finish();
}

Result<DaySumsRecord> decode_day_sums(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "day sums");
    DaySumsRecord d;
    d.day = day_of(r, "day");
    d.sums = r.text("sums");
    d.unknown_properties = r.unknown_properties();
    return finished(r, std::move(d));
}

std::string encode(const BusinessDayRecord& d) {
    RecordWriter w(property_record_version);
    w.svarint(d.day.date.days());
    w.svarint(d.at.ms);
    w.text(d.by);
    w.kept_properties(d.unknown_properties);
    return w.finish();
}

Result<BusinessDayRecord> decode_business_day(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "business day");
    BusinessDayRecord d;
    d.day = day_of(r, "day");
    d.at.ms = r.svarint("at");
    d.by = r.text("by");
    d.unknown_properties = r.unknown_properties();
    return finished(r, std::move(d));
}

std::string encode_order_sales(const std::vector<iso8583::Rrn>& sales) {
    std::string bytes;
    for (const iso8583::Rrn& rrn : sales) bytes += rrn.view();
    return bytes;
}

Result<std::vector<iso8583::Rrn>> decode_order_sales(std::string_view bytes) {
    constexpr std::size_t size = iso8583::Rrn::size_max;
    if (bytes.empty() || bytes.size() % size != 0 || bytes.size() > order_sales_max * size)
        return parse_error("order number: one or two RRNs are needed");
    std::vector<iso8583::Rrn> sales;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        auto rrn = iso8583::Rrn::parse(bytes.substr(at, size));
        if (!rrn) return parse_error("order number: " + rrn.error().what);
        sales.push_back(*rrn);
    }
    return sales;
}

}  // namespace ledger
