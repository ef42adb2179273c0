// A stored entry of the audit chain, for who reads the chain himself: lists and exports. Bytes and what the
// hash is over: docs/ledger_format.md, "Audit chain". Thread: any. Errors: the entry and what is wrong with
// it.
#pragma once

#include <string_view>

#include "ledger/audit_log.hpp"

namespace ledger {

/// What stands at a key of the chain; the checks that need no neighbour.
iso8583::Result<AuditEntry, AuditError> stored_audit_entry(std::string_view key, std::string_view value);

}  // namespace ledger
