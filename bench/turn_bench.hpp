// `switch-bench turn`: a refund through the core and its turns, memory store, no sockets, no MACs: what
// deciding costs. Instructions are counted from outside (valgrind --tool=callgrind switch-bench turn
// --refunds N), since few machines lend their counters; scripts/bench does it. Ratios travel, figures do not.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

struct TurnBenchOptions {
    std::uint32_t refunds = 20'000;    // sales as well: each is refunded once
    std::uint32_t events_a_turn = 64;  // requests that share a batch
    std::string json_file;             // empty: none
};

/// Prints nanoseconds per sale and per refund, by route mode; 0, or 1 when an answer was not 00.
int run_turn_bench(const TurnBenchOptions& options);

}  // namespace bench
