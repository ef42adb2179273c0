// DuplicateGuard: is this request new, a retry, a conflict, or reversed before it came? Pure: the slot of its
// trace and the request in, a verdict out. Rules R20, R21, R36; keys and digests: docs/refund_rules.md, "Keys
// and precedence".
#pragma once

#include <cstdint>
#include <string>

#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/request.hpp"

namespace acquirer {

/// The slot under which a request's trace number is kept: batch and trace, or trace alone in the ISO profile.
std::string trace_slot_key(const TerminalRequest& request);
/// Everything that makes the request one: the wire key as text, for joining what is still in progress (R22).
std::string wire_key(const TerminalRequest& request);
/// 64-bit digest of the content that a retry must repeat. A reversal's leaves DE4 out.
std::uint64_t content_digest(const TerminalRequest& request, const MeansIdentity& means);
/// DE12, DE13 and 9F36: what tells a terminal's next sale from a retry with a new DE7.
std::string local_stamp(const TerminalRequest& request);

struct DuplicateVerdict {
    enum class Kind : std::uint8_t { fresh, same, conflict, reversed_before };
    Kind kind = Kind::fresh;
    iso8583::Rrn rrn;                     // of the record it repeats, or of the tombstone
    std::uint32_t transmission_time = 0;  // DE7 under which that was recorded
};
DuplicateVerdict judge_duplicate(const ledger::TraceSlot& slot, const TerminalRequest& request,
                                 std::uint64_t digest, iso8583::UtcTime now, std::int64_t tombstone_ms);

/// The slot entry of a request that was recorded.
ledger::TraceEntry trace_entry(const TerminalRequest& request, std::uint64_t digest, const iso8583::Rrn& rrn,
                               iso8583::UtcTime now);

}  // namespace acquirer
