// The highest rate at which a latency is kept (load --find-max p99=20ms): a closed loop says what is possible
// at all, then halving between what kept it and what did not. A rate counts as kept when the latency is and
// the answers came as fast as they were asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/bound.hpp"
#include "bench/fleet.hpp"

namespace bench {

inline constexpr std::size_t find_max_steps = 8;     // of halving
inline constexpr double find_max_kept_share = 0.98;  // of the rate that was asked for
inline constexpr double find_max_precision = 0.02;   // a step narrower than this says nothing more

struct Tried {
    std::uint64_t rate = 0;  // 0: closed loop
    double per_second = 0;
    double latency_ns = 0;
    bool kept = false;
};

/// Plays a rate (0: closed loop) and says what came of it.
using PlayRate = std::function<FleetResult(std::uint64_t rate)>;

/// Every rate that was tried, in order. The answer is the highest that was kept; none when not even the
/// lowest.
std::vector<Tried> find_max(const Bound& kept, const PlayRate& play);
/// The highest rate that was kept; 0 when none was.
std::uint64_t highest_kept(const std::vector<Tried>& tried);

}  // namespace bench
