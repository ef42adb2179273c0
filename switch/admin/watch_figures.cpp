#include "switch/admin/watch_figures.hpp"

#include <algorithm>

#include "switch/core/duration_histogram.hpp"

namespace acquirer::admin {

namespace {

constexpr std::string_view answered_prefix = "answered.";
constexpr std::string_view exceptions_prefix = "exceptions.";

std::int64_t number_of(const View* object, std::string_view name) {
    const View* value = object == nullptr ? nullptr : object->find(name);
    return value != nullptr && value->number() != nullptr ? *value->number() : 0;
}

DurationHistogram::Counts steps_of(const View* answers) {
    DurationHistogram::Counts counts{};
    const View* steps = answers == nullptr ? nullptr : answers->find("steps");
    if (steps == nullptr || steps->items() == nullptr) return counts;
    for (std::size_t i = 0; i < std::min(counts.size(), steps->items()->size()); ++i)
        counts[i] =
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_of(&(*steps->items())[i], "count")));
    return counts;
}

}  // namespace

WatchFigures figures_between(const View& before, const View& now) {
    WatchFigures figures;
    const View* answers = now.find("answers");
    const View* earlier = before.find("answers");
    figures.interval_ms = number_of(answers, "at_ms") - number_of(earlier, "at_ms");
    // Without an earlier look, or when the switch began anew, nothing can be said of an interval.
    const bool comparable = earlier != nullptr && figures.interval_ms > 0;
    if (!comparable) figures.interval_ms = 0;
    if (comparable) {
        DurationHistogram::Counts counts = steps_of(answers);
        const DurationHistogram::Counts old = steps_of(earlier);
        for (std::size_t i = 0; i < counts.size(); ++i) {
            counts[i] -= std::min(counts[i], old[i]);
            figures.answers += static_cast<std::int64_t>(counts[i]);
        }
        figures.p50_us = percentile_us(counts, 0.50);
        figures.p99_us = percentile_us(counts, 0.99);
    }
    const View* counters = now.find("counters");
    const View* counted_before = before.find("counters");
    if (counters == nullptr || counters->members() == nullptr) return figures;
    for (const auto& [label, value] : *counters->members()) {
        const std::int64_t count = value.number() != nullptr ? *value.number() : 0;
        if (label.starts_with(exceptions_prefix))
            figures.exceptions_by_kind[label.substr(exceptions_prefix.size())] += count;
        if (!label.starts_with(answered_prefix)) continue;
        const std::string rest = label.substr(answered_prefix.size());
        const std::size_t dot = rest.find('.');
        KindFigures& kind = figures.kinds[rest.substr(0, dot)];
        kind.total += count;
        kind.codes[dot == std::string::npos ? "" : rest.substr(dot + 1)] += count;
        if (comparable) kind.answers += std::max<std::int64_t>(0, count - number_of(counted_before, label));
    }
    return figures;
}

View watch_view(const View& status, const WatchFigures& figures) {
    View view = View::object();
    const auto copy = [&](const char* name) {
        if (const View* value = status.find(name)) view.put(name, *value);
    };
    copy("time");
    copy("business_date");
    copy("since");
    view.put("interval_ms", figures.interval_ms).put("answers", figures.answers);
    if (figures.p50_us) view.put("p50_us", *figures.p50_us).put("p99_us", *figures.p99_us);
    for (const char* name : {"accepts_new_work", "refuses_new_work", "pending", "held", "open_exceptions",
                             "orphans", "terminal_links", "request_inbox", "answer_inbox", "hsm_available"})
        copy(name);
    View kinds = View::list();
    for (const auto& [name, kind] : figures.kinds)
        kinds.add(View::object().put("kind", name).put("answers", kind.answers).put("total", kind.total));
    view.put("kinds", std::move(kinds));
    copy("routes");
    return view;
}

}  // namespace acquirer::admin
