// The head of the audit chain as it is noted in a second place: a line of text with the last entry, its hash,
// the ledger's turn, and a MAC of the line itself. What it is compared with at the next start.
//
//     refund-switch audit head 1 time=… entry=N hash=64 hex digits turn=N[ mac=64 hex digits]
//
// Bytes: docs/ledger_format.md, "Heads of the audit chain". Do not change. Values; no I/O. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledger/audit_log.hpp"

namespace ledger {

struct AuditHeadLine {
    std::string time;  // UTC, as logs write it
    AuditHead head;
    std::uint64_t turn = 0;          // of the ledger: everything up to it was durable
    std::optional<AuditDigest> mac;  // absent while the chain has no key
};

/// UTC to the second, so that texts compare as times do.
std::string audit_head_time(iso8583::UtcTime utc);
/// Without a line end; with a key it carries a MAC.
std::string audit_head_text(const AuditHeadLine& line, const AuditKey* key);
/// Errors say what is wrong. Whether the MAC is right says audit_head_is_ours.
iso8583::Result<AuditHeadLine> parse_audit_head(std::string_view text);
bool audit_head_is_ours(const AuditHeadLine& line, const AuditKey& key);

/// What the noted head and the store, whose newest turn is `turn`, say against each other; empty: nothing. A
/// chain that was cut, written anew or put back is found; one whose ledger was restored since (R65) is not
/// taken for one. Without a noted head the newest entries follow one another, and carry MACs where there is a
/// key.
std::string audit_chain_fault(const StoreReader& store, std::uint64_t turn, AuditHash hash,
                              const AuditKey* key, const std::optional<AuditHeadLine>& noted);

}  // namespace ledger
