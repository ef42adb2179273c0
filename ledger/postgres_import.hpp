// Moves the ledger of one machine, whose switch does not run, into a new shard on PostgreSQL, in one
// transaction, and reads it back key by key. Thread: the caller's. Errors: a sentence; nothing is changed
// then, and the ledger in the directory never is.
#pragma once

#include <cstdint>
#include <string>

#include "ledger/postgres_options.hpp"
#include "ledger/rocks_store.hpp"

namespace ledger {

struct ImportedLedger {
    std::uint64_t turn = 0;  // the last one
    std::uint64_t journal_keys = 0, index_keys = 0;
};

/// `from` is opened as a switch would, so that one that runs is noticed. `sealed_vault_key` becomes the
/// cluster's. `scratch` must not exist: the copy that is read back lies there, and is removed.
iso8583::Result<ImportedLedger, StoreError> import_ledger(const PostgresOptions& options,
                                                          const RocksStoreOptions& from,
                                                          const std::string& sealed_vault_key,
                                                          const std::string& scratch);

}  // namespace ledger
