// switch-bench soak: a load for a long time at a part of what is possible: does anything stall, does anything
// grow? Books are compared at the end as `load` does.
#pragma once

#include <cstdint>

#include "bench/load.hpp"

namespace bench {

struct SoakOptions {
    LoadOptions load;  // its rate: requests a second, or max: `share_percent` of a closed loop
    double minutes = 30;
    std::uint32_t share_percent = 70;
    std::uint32_t stall_ms = 100;  // a second with a longer answer is a stall
};

inline constexpr double soak_probe_s = 10;  // of the closed loop that says what is possible

/// Growth of evenly spaced samples by least squares, per sample; 0 for fewer than two.
double slope(const std::vector<double>& samples);

/// Exit code: 0 all in order, 1 something differed, a bound does not hold or it could not run, 2 usage.
int run_soak(const SoakOptions& options);

}  // namespace bench
