#include "bench/find_max.hpp"

#include <algorithm>

namespace bench {

std::vector<Tried> find_max(const Bound& bound, const PlayRate& play) {
    std::vector<Tried> tried;
    const auto try_rate = [&](std::uint64_t rate) -> const Tried& {
        const FleetResult result = play(rate);
        Tried t{rate, result.per_second(), latency_of(bound, result.latency), false};
        const bool as_fast = rate == 0 || t.per_second >= find_max_kept_share * static_cast<double>(rate);
        t.kept =
            result.latency.count() > 0 && t.latency_ns <= bound.limit && as_fast && result.unanswered == 0;
        tried.push_back(t);
        return tried.back();
    };
    const auto possible = static_cast<std::uint64_t>(try_rate(0).per_second);
    if (possible == 0) return tried;
    std::uint64_t low = 0, high = possible + 1;
    for (std::size_t step = 0; step < find_max_steps; ++step) {
        if (low > 0 && static_cast<double>(high - low) < find_max_precision * static_cast<double>(high))
            break;
        const std::uint64_t rate = std::max<std::uint64_t>(1, low + (high - low) / 2);
        if (rate == low) break;
        (try_rate(rate).kept ? low : high) = rate;
    }
    return tried;
}

std::uint64_t highest_kept(const std::vector<Tried>& tried) {
    std::uint64_t highest = 0;
    for (const Tried& t : tried)
        if (t.kept) highest = std::max(highest, t.rate);
    return highest;
}

}  // namespace bench
