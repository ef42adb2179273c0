// The loopback part of `switch-bench hsm`: starts hsm-sim, keeps a number of M8 commands in flight on a
// number of connections, checks every answer.
#pragma once

#include <string>

#include "bench/hsm_bench.hpp"

namespace bench {

struct LoopbackResult {
    double per_second = 0;
    std::string error;  // empty: measured
};

LoopbackResult run_loopback(const HsmBenchOptions& options);

}  // namespace bench
