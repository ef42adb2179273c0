// Bound: a condition on what a run measured, as people type it: "p99>50ms" (--fail-if: that must not be), or
// "p99=20ms" (--find-max: this is kept). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/report.hpp"
#include "iso8583/values/result.hpp"

namespace bench {

/// Times are nanoseconds; everything else has the unit of its figure.
struct Bound {
    enum class Is : std::uint8_t { above, below };
    std::string text;     // as it was typed
    std::string measure;  // p99, p99.9, min, mean, max, per_second, unanswered, or the name of a figure
    Is wrong = Is::above;
    double limit = 0;
};

/// MEASURE>LIMIT or MEASURE<LIMIT. The error names what is wrong with which part.
iso8583::Result<Bound> parse_bound(std::string_view text);
/// All of --fail-if; the error names the option.
iso8583::Result<std::vector<Bound>> parse_bounds(const std::vector<std::string>& texts);
/// MEASURE=LIMIT of a latency: what is above it is too much.
iso8583::Result<Bound> parse_kept_latency(std::string_view text);

/// Of the report's first run and its figures; nothing when there is no such figure.
std::optional<double> measured(const Bound& bound, const Report& report);
double latency_of(const Bound& bound, const Histogram& latency);

/// Each bound that does not hold, or that nothing was measured for, becomes a finding and fails the report.
void judge(const std::vector<Bound>& bounds, Report& report);

}  // namespace bench
