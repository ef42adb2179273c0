// `switch-bench ledger`: what a durable record costs, one sync a record against one sync a group, in one run.
// Ratios travel between machines, figures do not.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

struct LedgerBenchOptions {
    std::string directory;          // on the disk to be measured; a new folder is made in it and removed
    std::uint32_t case_ms = 2'000;  // of each case, in rounds taken in turns with the other cases
    std::uint32_t rounds = 5;
    std::uint32_t record_bytes = 300;  // of a value; keys are 12 (journal) and 17 (index) bytes long
    std::string json_path;             // empty: none
};

/// Prints a table; 0, or 1 with a line on stderr when the store fails.
int run_ledger_bench(const LedgerBenchOptions& options);

}  // namespace bench
