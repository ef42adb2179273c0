// Moves a shard, whose switches are stopped, out of PostgreSQL into the ledger of one machine, and compares
// the two key by key. Thread: the caller's. Errors: a sentence; the shard stays as it is, and the directory
// has no ledger that a switch would take for one.
#pragma once

#include <cstdint>
#include <string>

#include "ledger/postgres_options.hpp"
#include "ledger/rocks_store.hpp"

namespace ledger {

struct ExportedLedger {
    std::uint64_t turn = 0;  // the last one
    std::uint64_t keys = 0;
};

/// The shard is taken under the next epoch while it is read, so that nobody writes; its lease is let go then.
/// `locked` when an owner's lease runs. `data`: a data directory without a ledger; it is made when it is not
/// there. `rocks`: options of its store, but for the directory.
iso8583::Result<ExportedLedger, StoreError> export_ledger(const PostgresOptions& options,
                                                          const RocksStoreOptions& rocks,
                                                          const std::string& data);

}  // namespace ledger
