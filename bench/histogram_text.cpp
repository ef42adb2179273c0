#include "bench/histogram_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace bench {

namespace {
constexpr int ticks_per_half_distance = 5;  // as HdrHistogram's tools write it
constexpr double ns_per_ms = 1e6;
}  // namespace

std::string to_hgrm(const Histogram& h) {
    std::string out = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
    const auto total = static_cast<double>(h.count());
    double percentile = 0;  // 0 … 100
    while (h.count() > 0) {
        const std::uint64_t value = h.percentile_ns(percentile / 100);
        const std::uint64_t up_to = h.count_up_to(value);
        if (up_to >= h.count()) break;
        fmt::format_to(std::back_inserter(out), "{:>12.3f} {:>14.12f} {:>10} {:>14.2f}\n",
                       static_cast<double>(value) / ns_per_ms, percentile / 100, up_to,
                       100 / (100 - percentile));
        // Between two halvings of the distance to 100 % there are as many lines each time; what has no value
        // of its own is left out.
        const double here = 100 * static_cast<double>(up_to) / total;
        do {
            const double halvings = std::floor(std::log2(100 / (100 - percentile))) + 1;
            percentile += 100 / (ticks_per_half_distance * std::pow(2, halvings));
        } while (percentile < 100 && percentile <= here);
        if (percentile >= 100) break;
    }
    if (h.count() > 0)
        fmt::format_to(std::back_inserter(out), "{:>12.3f} {:>14.12f} {:>10}\n",
                       static_cast<double>(h.max_ns()) / ns_per_ms, 1.0, h.count());
    fmt::format_to(std::back_inserter(out),
                   "#[Mean    = {:>12.3f}, StdDeviation   = {:>12.3f}]\n"
                   "#[Max     = {:>12.3f}, Total count    = {:>12}]\n"
                   "#[Buckets = {:>12}, SubBuckets     = {:>12}]\n",
                   h.mean_ns() / ns_per_ms, h.deviation_ns() / ns_per_ms,
                   static_cast<double>(h.max_ns()) / ns_per_ms, h.count(), Histogram::value_bits_max,
                   1 << Histogram::steps_log2);
    return out;
}

}  // namespace bench
