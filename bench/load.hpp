// switch-bench load: a fleet of terminals of both profiles against a switch (one of its own, or a running one
// with the demo's configuration), verified while it runs and by the books at the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/load_player.hpp"
#include "bench/load_stack.hpp"
#include "bench/report.hpp"

namespace bench {

struct LoadOptions {
    std::size_t terminals = 128;  // half of each profile
    std::size_t connections = 64;
    std::string rate = "max";  // requests a second, or max: closed loop
    double warm_up_s = 3;
    double duration_s = 30;
    bool with_limit = false;   // the rungs of `limit` too, in the same shape
    bool quick = false;        // about 20 s in all
    bool with_tls = false;     // the same load with and without TLS in turn, on a stack each
    std::uint32_t rounds = 0;  // of load and rungs in turn; 0: rounds_with_limit with rungs, otherwise one
    std::uint64_t seed = 1;
    LoadMix mix;
    std::string mix_file;             // instead of `play`
    std::string profile = "both";     // or unionpay-pos, iso87-ascii
    std::string issuer = "both";      // or a, b: whose cards are used
    std::string play = "everything";  // or refunds: sales only as far as refunds need them
    std::string find_max;             // "p99=20ms": the highest rate that keeps it
    std::vector<std::string> fail_if;
    ReportFiles files;
    // A stack of our own, unless addresses are given.
    LoadTargets targets;
    std::string programs, config, directory;
    bool keep = false;
    std::uint32_t issuer_latency_ms = 0;
    std::uint32_t shards = 1;  // of the switch of our own stack
};

inline constexpr std::uint32_t rounds_with_limit = 5;
inline constexpr std::uint32_t rounds_max = 50;

/// `load --with-tls` (load_tls.cpp).
int run_load_with_tls(LoadOptions options);
/// Exit code: 0 all in order, 1 something differed or could not run, 2 usage.
int run_load(const LoadOptions& options);

}  // namespace bench
