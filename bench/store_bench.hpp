// `switch-bench store`: refunds a second that a store commits, RocksDB on this machine against PostgreSQL
// with a synchronous standby, by the size of turns and by how many are under way at once; beside them what
// libpq alone does with the same statement, and with the insert of one row. All cases in turns in one run:
// ratios travel between machines, figures do not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct StoreBenchOptions {
    std::string directory;           // on the disk to be measured; a new folder is made in it and removed
    std::vector<std::string> hosts;  // HOST:PORT of PostgreSQL; none: RocksDB alone
    std::string database = "bench";  // empty: its tables are made
    std::string user = "switch";
    std::string password_file;                      // empty: none is asked for
    std::vector<std::uint32_t> batches{1, 16, 64};  // refunds of a turn
    std::vector<std::uint32_t> depths{1, 4};        // turns under way on PostgreSQL
    std::uint32_t case_ms = 2'000;                  // of each case, over all rounds
    std::uint32_t rounds = 3;
    double one_way_ms = 0;  // the servers are as far away as that: each stands behind a DelayRelay
    std::string json_path;  // empty: none
};

/// Prints a table; 0, or 1 with a line on stderr when a store fails.
int run_store_bench(const StoreBenchOptions& options);

}  // namespace bench
