#include "bench/bound.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace bench {

namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr double percentile_max = 100;

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

/// "p99.9": 0.999.
std::optional<double> fraction_of(std::string_view measure) {
    if (measure.size() < 2 || measure[0] != 'p') return std::nullopt;
    const auto percent = number(measure.substr(1));
    if (!percent || *percent < 0 || *percent > percentile_max) return std::nullopt;
    return *percent / percentile_max;
}

bool is_latency(std::string_view measure) {
    return measure == "min" || measure == "mean" || measure == "max" || fraction_of(measure).has_value();
}

/// "50ms" in nanoseconds.
Result<double> time_of(std::string_view text) {
    static constexpr std::pair<std::string_view, double> units[] = {
        {"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    for (const auto& [unit, ns] : units) {
        if (text.size() <= unit.size() || text.substr(text.size() - unit.size()) != unit) continue;
        if (const auto value = number(text.substr(0, text.size() - unit.size())); value && *value >= 0)
            return *value * ns;
    }
    return parse_error(fmt::format("'{}' is no time: a number with ns, us, ms or s, as in 50ms", text));
}

Result<Bound> parse(std::string_view text, std::string_view operators, std::string_view example) {
    const std::size_t at = text.find_first_of(operators);
    if (at == std::string_view::npos || at == 0 || at + 1 == text.size())
        return parse_error(fmt::format("'{}': as in {}", text, example));
    Bound bound;
    bound.text = text;
    bound.measure = text.substr(0, at);
    bound.wrong = text[at] == '<' ? Bound::Is::below : Bound::Is::above;
    const std::string_view limit = text.substr(at + 1);
    if (is_latency(bound.measure)) {
        const auto ns = time_of(limit);
        if (!ns) return parse_error(fmt::format("'{}': {}", text, ns.error().what));
        bound.limit = *ns;
        return bound;
    }
    const bool is_figure = bound.measure.find('.') != std::string::npos;
    if (!is_figure && bound.measure != "per_second" && bound.measure != "unanswered")
        return parse_error(
            fmt::format("'{}': nothing is measured as '{}'; there are p0 to p100, min, mean, max, "
                        "per_second, unanswered, and the figures of --json",
                        text, bound.measure));
    const auto value = number(limit);
    if (!value) return parse_error(fmt::format("'{}': '{}' is no number", text, limit));
    bound.limit = *value;
    return bound;
}

}  // namespace

Result<Bound> parse_bound(std::string_view text) { return parse(text, "<>", "p99>50ms or per_second<1000"); }

Result<std::vector<Bound>> parse_bounds(const std::vector<std::string>& texts) {
    std::vector<Bound> bounds;
    for (const std::string& text : texts) {
        auto bound = parse_bound(text);
        if (!bound) return parse_error("--fail-if: " + bound.error().what);
        bounds.push_back(std::move(*bound));
    }
    return bounds;
}

Result<Bound> parse_kept_latency(std::string_view text) {
    auto bound = parse(text, "=", "p99=20ms");
    if (bound && !is_latency(bound->measure))
        return parse_error(fmt::format("'{}': a latency is needed (p50, p99, p99.9, mean, max)", text));
    return bound;
}

double latency_of(const Bound& bound, const Histogram& latency) {
    if (bound.measure == "min") return static_cast<double>(latency.min_ns());
    if (bound.measure == "mean") return latency.mean_ns();
    if (bound.measure == "max") return static_cast<double>(latency.max_ns());
    return static_cast<double>(latency.percentile_ns(fraction_of(bound.measure).value_or(1)));
}

std::optional<double> measured(const Bound& bound, const Report& report) {
    if (bound.measure.find('.') != std::string::npos && !is_latency(bound.measure)) {
        for (const auto& [name, value] : report.figures)
            if (name == bound.measure) return value;
        return std::nullopt;
    }
    if (report.runs.empty()) return std::nullopt;
    const FleetResult& run = report.runs.front().fleet;
    if (bound.measure == "per_second") return run.per_second();
    if (bound.measure == "unanswered") return static_cast<double>(run.unanswered);
    // Of nothing answered no latency was measured.
    if (run.latency.count() == 0) return std::nullopt;
    return latency_of(bound, run.latency);
}

void judge(const std::vector<Bound>& bounds, Report& report) {
    for (const Bound& bound : bounds) {
        const auto value = measured(bound, report);
        const bool fails =
            !value || (bound.wrong == Bound::Is::above ? *value > bound.limit : *value < bound.limit);
        const std::string found = !value                      ? "was not measured"
                                  : is_latency(bound.measure) ? fmt::format("is {:.3f} ms", *value / 1e6)
                                                              : fmt::format("is {:.6g}", *value);
        report.findings.push_back(
            fmt::format("--fail-if {}: {} {}{}", bound.text, bound.measure, found, fails ? ", FAILED" : ""));
        report.passed = report.passed && !fails;
    }
}

}  // namespace bench
