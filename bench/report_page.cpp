// The page of a report: what was measured, when, on what, by which command; the verdict; tables; then plots.
#include <algorithm>
#include <cmath>

#include "bench/report.hpp"
#include "bench/report_words.hpp"
#include "switch/page/html_page.hpp"

namespace bench {

namespace {

using html_page::line_plot;
using html_page::Series;
using html_page::ticks_of;

std::string milliseconds(double ms) { return fmt::format("{:.4g} ms", ms); }
std::string per_second_label(double n) { return fmt::format("{:.0f}/s", n); }

/// Latency over percentile; the axis stretches towards 100 %, as each nine is as wide as the one before.
std::string latency_plot(const Measured& run) {
    constexpr double nines_max = 5;
    std::vector<Series> series = {{"from when it was due", {}}, {"from when it was sent", {}}};
    double y_max = 0;
    for (double nines = 0; nines <= nines_max; nines += 0.05) {
        const double fraction = 1 - std::pow(10, -nines);
        const auto due = static_cast<double>(run.fleet.latency.percentile_ns(fraction)) / 1e6;
        const auto sent = static_cast<double>(run.fleet.service.percentile_ns(fraction)) / 1e6;
        series[0].points.emplace_back(nines / nines_max, due);
        series[1].points.emplace_back(nines / nines_max, sent);
        y_max = std::max({y_max, due, sent});
    }
    return line_plot(
        run.name + ": latency by percentile", series,
        {{0, "0 %"}, {0.2, "90 %"}, {0.4, "99 %"}, {0.6, "99.9 %"}, {0.8, "99.99 %"}, {1, "99.999 %"}}, y_max,
        milliseconds);
}

/// Evenly spaced over the axis.
double place(std::size_t i, std::size_t count) {
    return count < 2 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1);
}

std::string time_plots(const Measured& run) {
    const auto& seconds = run.fleet.seconds;
    Series rate{"answers a second", {}}, p50{"p50", {}}, p99{"p99", {}};
    std::vector<std::string> labels;
    double rate_max = 0, latency_max = 0;
    for (std::size_t i = 0; i < seconds.size(); ++i) {
        const double x = place(i, seconds.size());
        const double per_second = static_cast<double>(seconds[i].done) / seconds[i].length_s;
        labels.push_back(std::to_string(i + 1) + " s");
        rate.points.emplace_back(x, per_second);
        p50.points.emplace_back(x, static_cast<double>(seconds[i].p50_ns) / 1e6);
        p99.points.emplace_back(x, static_cast<double>(seconds[i].p99_ns) / 1e6);
        rate_max = std::max(rate_max, per_second);
        latency_max = std::max(latency_max, static_cast<double>(seconds[i].p99_ns) / 1e6);
    }
    const auto ticks = ticks_of(labels);
    return line_plot(run.name + ": throughput over time", {rate}, ticks, rate_max, per_second_label) +
           line_plot(run.name + ": latency over time", {p50, p99}, ticks, latency_max, milliseconds);
}

std::string plot_of(const Curves& curves) {
    std::vector<Series> series;
    double most = 0;
    for (const auto& [name, values] : curves.lines) {
        series.push_back({name, {}});
        for (std::size_t i = 0; i < values.size(); ++i) {
            series.back().points.emplace_back(place(i, values.size()), values[i]);
            most = std::max(most, values[i]);
        }
    }
    return line_plot(curves.title, series, ticks_of(curves.at), most,
                     [&](double v) { return fmt::format("{:.4g} {}", v, curves.unit); });
}

std::vector<std::string> latency_row(const std::string& name, const Histogram& h) {
    std::vector<std::string> row = {name, std::to_string(h.count()), human_time(h.min_ns()),
                                    human_time(static_cast<std::uint64_t>(h.mean_ns()))};
    for (const auto& [label, fraction] : percentiles) row.push_back(human_time(h.percentile_ns(fraction)));
    row.push_back(human_time(h.max_ns()));
    return row;
}

std::string runs_table(const Report& report) {
    if (report.runs.empty()) return {};
    std::vector<html_page::Column> columns = {{"run"}};
    for (const char* name :
         {"a second", "answers", "least", "mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "longest"})
        columns.push_back({name, true});
    std::vector<std::vector<std::string>> rows;
    const auto add = [&rows](const std::string& name, const std::string& rate, const Histogram& h) {
        auto row = latency_row(name, h);
        row.insert(row.begin() + 1, rate);
        rows.push_back(std::move(row));
    };
    for (const Measured& run : report.runs) {
        add(run.name, fmt::format("{:.0f}", run.fleet.per_second()), run.fleet.latency);
        for (const auto& [name, index] : run.kinds)
            if (run.fleet.by_kind[index].count() > 0) add("– " + name, "", run.fleet.by_kind[index]);
    }
    return html_page::heading("What was measured") + html_page::table(columns, rows);
}

std::string sheet_table(const Sheet& sheet) {
    std::vector<html_page::Column> columns;
    for (const std::string& name : sheet.columns) columns.push_back({name, !columns.empty()});
    return html_page::heading(sheet.title) + html_page::table(columns, sheet.rows);
}

std::string figures_table(const Report& report) {
    if (report.figures.empty()) return {};
    std::vector<std::vector<std::string>> rows;
    for (const auto& [name, value] : report.figures) rows.push_back({name, fmt::format("{:.6g}", value)});
    return html_page::heading("Figures") + html_page::table({{"name"}, {"value", true}}, rows);
}

}  // namespace

std::string to_html(const Report& report) {
    std::string out = html_page::begin(report.title);
    out += report.passed ? html_page::paragraph("passed")
                         : html_page::paragraph("FAILED", html_page::Weight::strong);
    out += html_page::facts(report.facts);
    for (const std::string& finding : report.findings) out += html_page::paragraph(finding);
    out += runs_table(report);
    for (const Sheet& sheet : report.sheets) out += sheet_table(sheet);
    out += figures_table(report);
    if (!report.runs.empty() || !report.curves.empty()) out += html_page::heading("Plots");
    for (const Measured& run : report.runs) out += latency_plot(run) + time_plots(run);
    for (const Curves& curves : report.curves) out += plot_of(curves);
    return out + html_page::end();
}

}  // namespace bench
