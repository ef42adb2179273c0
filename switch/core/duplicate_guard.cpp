#include "switch/core/duplicate_guard.hpp"

#include "switch/core/content_digest.hpp"

namespace acquirer {
namespace {

using iso8583::Field;

constexpr std::int64_t repeat_window_ms = 24LL * 3600 * 1000;  // x..1 and near keys are matched this far back

/// Past the tag that begins at `at`: more bytes follow while BER-TLV says so.
std::size_t end_of_tag(std::string_view tlv, std::size_t at) {
    if ((static_cast<std::uint8_t>(tlv[at++]) & 0x1F) != 0x1F) return at;
    while (at < tlv.size() && (static_cast<std::uint8_t>(tlv[at]) & 0x80) != 0) ++at;
    return at + 1;
}

/// The value of a primitive two-byte EMV tag at the top level of DE55; empty when absent or no TLV. It walks
/// by itself, since a list of all nodes would be made for every request.
std::string_view emv_value(std::string_view tlv, std::string_view wanted) {
    std::size_t at = 0;
    while (at < tlv.size()) {
        if (tlv[at] == '\0') {  // padding between tags
            ++at;
            continue;
        }
        const std::size_t length_at = end_of_tag(tlv, at);
        if (length_at >= tlv.size()) return {};
        std::size_t length = static_cast<std::uint8_t>(tlv[length_at]);
        std::size_t value_at = length_at + 1;
        if (length > 0x7F) {
            constexpr std::size_t length_bytes_max = 4;
            const std::size_t bytes = length & 0x7F;
            if (bytes == 0 || bytes > length_bytes_max || bytes > tlv.size() - value_at) return {};
            length = 0;
            for (const char c : tlv.substr(value_at, bytes))
                length = length << 8 | static_cast<std::uint8_t>(c);
            value_at += bytes;
        }
        if (length > tlv.size() - value_at) return {};
        if (tlv.substr(at, length_at - at) == wanted) return tlv.substr(value_at, length);
        at = value_at + length;
    }
    return {};
}

constexpr std::string_view transaction_counter = "\x9F\x36";
constexpr std::string_view cryptogram = "\x9F\x26";

/// Names no original: a terminal that lost its place can only be told by its clock or its chip.
bool begins_a_story(const TerminalRequest& r) {
    return r.kind == RequestKind::sale || r.kind == RequestKind::authorization;
}

/// By the switch's clock or by the terminal's own: one of the two may have been set in between, and a repeat
/// that finds nothing is paid twice.
bool within_repeat_window(const ledger::TraceEntry& e, const TerminalRequest& r, iso8583::UtcTime now) {
    if (now.ms - e.created_ms <= repeat_window_ms) return true;
    if (e.transmission_time == 0) return false;
    const auto then = iso8583::TransmissionTime::of(e.transmission_time);
    return r.transmission_time.seconds_from(then) * 1'000 <= repeat_window_ms;
}

bool is_first_try(const TerminalRequest& r) { return !r.fields.mti().is_repeat(); }

}  // namespace

std::string trace_slot_key(const TerminalRequest& r) {
    std::optional<iso8583::BatchNumber> batch;
    if (r.profile == Profile::unionpay_pos) batch = r.batch;
    return ledger::trace_slot_key(r.merchant, r.terminal, batch, r.stan);
}

std::string wire_key(const TerminalRequest& r) {
    // A repeat carries the key of what it repeats, so the origin digit is left out.
    return trace_slot_key(r) + r.transmission_time.str() + std::to_string(r.fields.mti().message_class()) +
           r.message_type + r.processing_code;
}

std::uint64_t content_digest(const TerminalRequest& r, const MeansIdentity& means) {
    Digest d;
    d.add(iso8583::as_text(means.token.bytes));
    if (r.kind != RequestKind::reversal) d.add(r.fields.get(Field::amount_transaction));
    d.add(r.fields.get(Field::rrn));
    d.add(r.fields.get(Field::reserved_private_61));
    if (r.profile == Profile::iso87) {
        d.add(r.fields.get(Field::original_data));
        d.add(r.fields.get(Field::replacement_amounts));
    }
    d.add(emv_value(r.fields.get(Field::icc_data), transaction_counter));
    d.add(emv_value(r.fields.get(Field::icc_data), cryptogram));
    return d.value();
}

std::string local_stamp(const TerminalRequest& r) {
    std::string stamp(r.fields.get(Field::local_time));
    stamp += r.fields.get(Field::local_date);
    stamp += emv_value(r.fields.get(Field::icc_data), transaction_counter);
    return stamp;
}

DuplicateVerdict judge_duplicate(const ledger::TraceSlot& slot, const TerminalRequest& r,
                                 std::uint64_t digest, iso8583::UtcTime now, std::int64_t tombstone_ms) {
    using Kind = DuplicateVerdict::Kind;
    const bool unionpay = r.profile == Profile::unionpay_pos;
    // What was recorded under the key stands before a tombstone beside it: a reversal that found no original,
    // of another card, say, must not turn a retry of what was approved into a refusal.
    DuplicateVerdict near, stone, repeated;
    for (auto at = slot.entries.rbegin(); at != slot.entries.rend(); ++at) {
        const ledger::TraceEntry& e = *at;
        if (e.message_type != r.message_type || e.processing_code != r.processing_code) continue;
        const bool same_time = unionpay || e.transmission_time == r.transmission_time.value();
        if (e.tombstone) {
            // A tombstone that came without DE90 knows no DE7 and stands for all of them.
            if (now.ms - e.created_ms <= tombstone_ms && (same_time || e.transmission_time == 0) &&
                stone.kind == Kind::fresh)
                stone = {Kind::reversed_before, e.rrn};
            continue;
        }
        const DuplicateVerdict known{e.digest == digest ? Kind::same : Kind::conflict, e.rrn,
                                     e.transmission_time};
        if (same_time) return known;
        if (!within_repeat_window(e, r, now)) continue;
        if (!is_first_try(r)) {
            // Under another DE7 it is a repeat of the newest one, unless an older one has just this DE7.
            if (repeated.kind == Kind::fresh) repeated = known;
            continue;
        }
        // The same trace and content under a new DE7: a terminal that lost its place, not a new transaction.
        // A sale is let through when its own clock or its chip's counter says that it is another one.
        const bool another_sale = begins_a_story(r) && e.local_stamp != local_stamp(r);
        if (e.digest == digest && !another_sale && near.kind == Kind::fresh) near = {Kind::conflict, e.rrn};
    }
    if (repeated.kind != Kind::fresh) return repeated;
    return stone.kind != Kind::fresh ? stone : near;
}

ledger::TraceEntry trace_entry(const TerminalRequest& r, std::uint64_t digest, const iso8583::Rrn& rrn,
                               iso8583::UtcTime now) {
    ledger::TraceEntry e;
    e.message_class = static_cast<std::uint8_t>(r.fields.mti().message_class());
    e.message_type = r.message_type;
    e.processing_code = r.processing_code;
    e.transmission_time = r.transmission_time.value();
    e.digest = digest;
    e.created_ms = now.ms;
    if (begins_a_story(r)) e.local_stamp = local_stamp(r);
    e.rrn = rrn;
    return e;
}

}  // namespace acquirer
