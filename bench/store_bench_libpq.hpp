// What libpq alone does with the same turns, for the ratios of `switch-bench store`: the store's statement
// without the store (no handing over between threads, and with a copy or without), and the insert of one row.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "iso8583/values/result.hpp"
#include "ledger/postgres_options.hpp"
#include "ledger/rocks_tables.hpp"

namespace bench {

struct BareRun {
    std::uint64_t turns = 0;
    double seconds = 0;
    std::vector<double> turn_us = {};
};

/// Turns of `batch` refunds, `depth` under way: with 1 a statement each, with more a connection that writes
/// and one that confirms (docs/decisions/0053). Takes shard 0 from whoever has it. `copy`: what is confirmed
/// is written there too, as the store does.
iso8583::Result<BareRun> run_bare(const ledger::PostgresOptions& options,
                                  const std::optional<ledger::RocksStoreOptions>& copy, std::uint32_t batch,
                                  std::uint32_t depth, double seconds);
/// The copy has all turns that the shard has, so that whoever opens it next has nothing to read first. Takes
/// shard 0 as run_bare does.
iso8583::Result<void> bring_up_to_date(const ledger::PostgresOptions& options,
                                       const ledger::RocksStoreOptions& copy);
/// A table of its own is made in the database; each row is committed and replicated before the next.
iso8583::Result<BareRun> run_inserts(const ledger::PostgresOptions& options, double seconds);

}  // namespace bench
