// SHA-256 for the audit chain. audit_hash.cpp sees OpenSSL, so it belongs to the target ledger_vault.
#pragma once

#include "ledger/audit_log.hpp"

namespace ledger {

[[nodiscard]] AuditDigest audit_sha256(iso8583::ByteView bytes);

}  // namespace ledger
