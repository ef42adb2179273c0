// `switch-bench hsm`: what an HSM operation costs with cached keyed contexts, against the same operation done
// naively (a fresh OpenSSL context every time) in the same run, and how many host commands hsm-sim answers
// over loopback.
//
// Units: nanoseconds per operation, commands per second. Ratios are what counts; figures do not travel
// between machines. Only the release preset's numbers are reported. Errors: the exit code, with a line on
// stderr.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

struct HsmBenchOptions {
    /// Where the figures go as JSON; empty: nowhere.
    std::string json_file;
    /// The hsm-sim program to start for the loopback part; empty: the one beside this program. Where there is
    /// none, that part is left out, loudly, and counts as missed.
    std::string hsm_sim_program;
    std::uint32_t rounds = 9;     // of each operation, naive and cached in turn; the median counts
    std::uint32_t round_ms = 60;  // how long one round lasts
    std::uint32_t message_bytes = 256;
    std::uint32_t connections = 16;
    std::uint32_t outstanding = 16;  // per connection
    std::uint32_t loopback_ms = 3000;
};

/// Prints a table with each figure beside its target. 0 when every target is met, 1 when one is missed or a
/// measurement failed.
int run_hsm_bench(const HsmBenchOptions& options);

}  // namespace bench
