// switch-bench grow: what a refund costs, how much disk a sale takes and how long a start takes, as the
// ledger grows. The switch's own core and turns over its own store write the sales, one durable batch a turn;
// then old and recent ones, uniformly, are refunded. Without sockets, sessions and MACs: those do not grow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/report.hpp"

namespace bench {

struct GrowOptions {
    std::vector<std::uint64_t> sales = {10'000, 100'000, 1'000'000};  // rising; measured at each
    std::uint32_t refunds = 20'000;                                   // at each size; never more than sales
    std::uint64_t cache_mib = 256;                                    // of the store's blocks
    std::string directory;  // kept when it was named: the next run goes on with what is there
    ReportFiles files;
};

inline constexpr std::uint64_t grow_sales_max = 100'000'000;

/// "10000,1000000": rising numbers; the error names the word.
iso8583::Result<std::vector<std::uint64_t>> parse_sizes(const std::string& text);

/// Exit code: 0 done, 1 could not run, 2 usage.
int run_grow_bench(const GrowOptions& options);

}  // namespace bench
