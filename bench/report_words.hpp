// Words that the table and the page of a report share.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>

namespace bench {

inline constexpr std::pair<const char*, double> percentiles[] = {
    {"p50", 0.50}, {"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}, {"p99_9", 0.999}, {"p99_99", 0.9999}};

inline std::string human_time(std::uint64_t ns) {
    const auto v = static_cast<double>(ns);
    if (ns < 10'000) return fmt::format("{} ns", ns);
    if (ns < 10'000'000) return fmt::format("{:.0f} µs", v / 1e3);
    if (ns < 1'000'000'000) return fmt::format("{:.1f} ms", v / 1e6);
    return fmt::format("{:.2f} s", v / 1e9);
}

}  // namespace bench
