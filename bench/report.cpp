#include "bench/report.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

namespace bench {

namespace {

constexpr std::pair<const char*, double> percentiles[] = {
    {"p50", 0.50}, {"p90", 0.90}, {"p99", 0.99}, {"p99_9", 0.999}, {"p99_99", 0.9999}};

std::string human_time(std::uint64_t ns) {
    const auto v = static_cast<double>(ns);
    if (ns < 10'000) return fmt::format("{} ns", ns);
    if (ns < 10'000'000) return fmt::format("{:.0f} µs", v / 1e3);
    if (ns < 10'000'000'000) return fmt::format("{:.1f} ms", v / 1e6);
    return fmt::format("{:.1f} s", v / 1e9);
}

void add_histogram_row(std::string& out, const std::string& name, const Histogram& h) {
    fmt::format_to(std::back_inserter(out), "  {:<22}{:>10}", name, h.count());
    for (const auto& [label, fraction] : percentiles)
        fmt::format_to(std::back_inserter(out), "{:>11}", human_time(h.percentile_ns(fraction)));
    fmt::format_to(std::back_inserter(out), "{:>11}\n", human_time(h.max_ns()));
}

nlohmann::json histogram_json(const Histogram& h) {
    nlohmann::json j = {{"count", h.count()}, {"mean_ns", h.mean_ns()}, {"max_ns", h.max_ns()}};
    for (const auto& [label, fraction] : percentiles)
        j[std::string(label) + "_ns"] = h.percentile_ns(fraction);
    return j;
}

std::string escaped(const std::string& text) {
    std::string out;
    for (char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out.push_back(c);
    }
    return out;
}

// Plots. Coordinates are in pixels of a fixed view box; the page scales it.
constexpr double plot_width = 760, plot_height = 300, margin_left = 80, margin_bottom = 40, margin_top = 20;

struct Series {
    std::string name;
    std::string colour;
    std::vector<std::pair<double, double>> points;  // x in 0…1, y in units of the axis
};

struct Tick {
    double at;  // x: 0…1; y: units of the axis
    std::string label;
};

std::string plot(const std::string& title, const std::vector<Series>& series,
                 const std::vector<Tick>& x_ticks, double y_max, std::string (*y_label)(double)) {
    const auto px = [](double x) { return margin_left + x * (plot_width - margin_left - 20); };
    const auto py = [y_max](double y) {
        return margin_top + (1 - (y_max <= 0 ? 0 : y / y_max)) * (plot_height - margin_top - margin_bottom);
    };
    std::string s = fmt::format("<h3>{}</h3><svg viewBox=\"0 0 {} {}\" role=\"img\">", escaped(title),
                                plot_width, plot_height);
    for (int i = 0; i <= 4; ++i) {
        const double y = y_max * i / 4;
        s += fmt::format(
            "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
            "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
            px(0), px(1), py(y), py(y), px(0) - 6, py(y) + 4, escaped(y_label(y)));
    }
    for (const Tick& tick : x_ticks)
        s += fmt::format(
            "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>"
            "<text x=\"{0:.1f}\" y=\"{3:.1f}\" text-anchor=\"middle\">{4}</text>",
            px(tick.at), py(0), py(y_max), plot_height - 20, escaped(tick.label));
    double legend_x = px(0) + 8;
    for (const Series& line : series) {
        s += fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"", line.colour);
        for (const auto& [x, y] : line.points) s += fmt::format("{:.1f},{:.1f} ", px(x), py(y));
        s += fmt::format("\"/><text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"{}\">{}</text>", legend_x,
                         margin_top + 12, line.colour, escaped(line.name));
        legend_x += 12 + 8 * static_cast<double>(line.name.size());
    }
    return s + "</svg>";
}

std::string milliseconds(double ms) { return fmt::format("{:.4g} ms", ms); }
std::string per_second_label(double n) { return fmt::format("{:.0f}/s", n); }

/// Latency over percentile; the axis stretches towards 100 %, as each nine is as wide as the one before.
std::string latency_plot(const Measured& run) {
    constexpr double nines_max = 5;
    std::vector<Series> series = {{"from when it was due", "#1f77b4", {}},
                                  {"from when it was sent", "#ff7f0e", {}}};
    double y_max = 0;
    for (double nines = 0; nines <= nines_max; nines += 0.05) {
        const double fraction = 1 - std::pow(10, -nines);
        const auto due = static_cast<double>(run.fleet.latency.percentile_ns(fraction)) / 1e6;
        const auto sent = static_cast<double>(run.fleet.service.percentile_ns(fraction)) / 1e6;
        series[0].points.emplace_back(nines / nines_max, due);
        series[1].points.emplace_back(nines / nines_max, sent);
        y_max = std::max({y_max, due, sent});
    }
    return plot(
        run.name + ": latency by percentile", series,
        {{0, "0 %"}, {0.2, "90 %"}, {0.4, "99 %"}, {0.6, "99.9 %"}, {0.8, "99.99 %"}, {1, "99.999 %"}}, y_max,
        milliseconds);
}

std::vector<Tick> second_ticks(std::size_t count) {
    std::vector<Tick> ticks;
    const std::size_t step = std::max<std::size_t>(1, count / 10);
    for (std::size_t i = 0; i < count; i += step)
        ticks.push_back({count < 2 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1),
                         fmt::format("{} s", i + 1)});
    return ticks;
}

std::string time_plots(const Measured& run) {
    const auto& seconds = run.fleet.seconds;
    Series rate{"answers a second", "#2ca02c", {}}, p50{"p50", "#1f77b4", {}}, p99{"p99", "#d62728", {}};
    double rate_max = 0, latency_max = 0;
    for (std::size_t i = 0; i < seconds.size(); ++i) {
        const double x =
            seconds.size() < 2 ? 0 : static_cast<double>(i) / static_cast<double>(seconds.size() - 1);
        rate.points.emplace_back(x, static_cast<double>(seconds[i].done));
        p50.points.emplace_back(x, static_cast<double>(seconds[i].p50_ns) / 1e6);
        p99.points.emplace_back(x, static_cast<double>(seconds[i].p99_ns) / 1e6);
        rate_max = std::max(rate_max, static_cast<double>(seconds[i].done));
        latency_max = std::max(latency_max, static_cast<double>(seconds[i].p99_ns) / 1e6);
    }
    const auto ticks = second_ticks(seconds.size());
    return plot(run.name + ": throughput over time", {rate}, ticks, rate_max * 1.1, per_second_label) +
           plot(run.name + ": latency over time", {p50, p99}, ticks, latency_max * 1.1, milliseconds);
}

}  // namespace

std::string to_table(const Report& report) {
    std::string out = report.title + "\n";
    for (const auto& [key, value] : report.facts)
        fmt::format_to(std::back_inserter(out), "  {:<22}{}\n", key, value);
    for (const Measured& run : report.runs) {
        const FleetResult& f = run.fleet;
        fmt::format_to(std::back_inserter(out), "\n{}: {:.0f} answers a second over {:.1f} s\n", run.name,
                       f.per_second(), f.measured_s);
        fmt::format_to(std::back_inserter(out), "  {:<22}{:>10}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", "",
                       "count", "p50", "p90", "p99", "p99.9", "p99.99", "longest");
        add_histogram_row(out, "all, since due", f.latency);
        add_histogram_row(out, "all, since sent", f.service);
        for (const auto& [name, index] : run.kinds)
            if (f.by_kind[index].count() > 0) add_histogram_row(out, name, f.by_kind[index]);
        if (f.unanswered + f.broken_connections + f.stray_answers + f.backlog_max > 0)
            fmt::format_to(std::back_inserter(out),
                           "  unanswered {}, broken connections {}, stray answers {}, longest backlog {}\n",
                           f.unanswered, f.broken_connections, f.stray_answers, f.backlog_max);
    }
    if (!report.figures.empty()) out += "\n";
    for (const auto& [name, value] : report.figures)
        fmt::format_to(std::back_inserter(out), "  {:<38}{:>14.6g}\n", name, value);
    if (!report.findings.empty()) out += "\n";
    for (const std::string& finding : report.findings) out += "  " + finding + "\n";
    return out + (report.passed ? "\npassed\n" : "\nFAILED\n");
}

std::string to_json(const Report& report) {
    nlohmann::json j = {{"title", report.title}, {"passed", report.passed}, {"findings", report.findings}};
    for (const auto& [key, value] : report.facts) j["facts"][key] = value;
    for (const auto& [name, value] : report.figures) j["figures"][name] = value;
    j["runs"] = nlohmann::json::array();
    for (const Measured& run : report.runs) {
        const FleetResult& f = run.fleet;
        nlohmann::json r = {{"name", run.name},
                            {"per_second", f.per_second()},
                            {"measured_s", f.measured_s},
                            {"done", f.done},
                            {"unanswered", f.unanswered},
                            {"broken_connections", f.broken_connections},
                            {"stray_answers", f.stray_answers},
                            {"backlog_max", f.backlog_max},
                            {"latency", histogram_json(f.latency)},
                            {"service", histogram_json(f.service)}};
        for (const auto& [name, index] : run.kinds)
            if (f.by_kind[index].count() > 0) r["by_kind"][name] = histogram_json(f.by_kind[index]);
        r["seconds"] = nlohmann::json::array();
        for (const FleetSecond& s : f.seconds)
            r["seconds"].push_back(
                {{"done", s.done}, {"p50_ns", s.p50_ns}, {"p99_ns", s.p99_ns}, {"max_ns", s.max_ns}});
        j["runs"].push_back(std::move(r));
    }
    return j.dump(2) + "\n";
}

std::string to_html(const Report& report) {
    std::string out =
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escaped(report.title) +
        "</title><style>body{font-family:sans-serif;max-width:60em;margin:2em auto;color:#222}"
        "svg{width:100%;height:auto}svg text{font-size:11px}.grid{stroke:#ddd}"
        "pre{background:#f6f6f6;padding:1em;overflow:auto;font-size:12px}</style></head><body><h1>" +
        escaped(report.title) + "</h1><p>" + (report.passed ? "passed" : "<strong>FAILED</strong>") + "</p>";
    for (const Measured& run : report.runs) out += latency_plot(run) + time_plots(run);
    return out + "<h3>Figures</h3><pre>" + escaped(to_table(report)) + "</pre></body></html>\n";
}

std::vector<std::pair<std::string, std::string>> machine_facts() {
    std::string model = "unknown";
    std::ifstream cpus("/proc/cpuinfo");
    for (std::string line; std::getline(cpus, line);)
        if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos) {
            model = line.substr(line.find(": ") + 2);
            break;
        }
    utsname system{};
    ::uname(&system);
#ifdef NDEBUG
    const char* build = "release";
#else
    const char* build = "with assertions: figures of this build are not to be quoted";
#endif
    return {{"processor", model},
            {"cores", std::to_string(std::thread::hardware_concurrency())},
            {"kernel", std::string(system.sysname) + " " + system.release},
            {"build", build}};
}

bool write_reports(const Report& report, const std::string& json_file, const std::string& html_file) {
    bool written = true;
    const auto write = [&written](const std::string& file, const std::string& content) {
        if (file.empty()) return;
        std::ofstream out(file);
        out << content;
        out.flush();
        if (out) return;
        std::fprintf(stderr, "switch-bench: cannot write %s\n", file.c_str());
        written = false;
    };
    write(json_file, json_file.empty() ? "" : to_json(report));
    write(html_file, html_file.empty() ? "" : to_html(report));
    return written;
}

namespace {
bool progress_shown = false;
}

void show_progress(const std::string& what, const Progress& p) {
    if (::isatty(STDERR_FILENO) == 0) return;
    const std::string line = fmt::format("\r{}: {:.0f} of {:.0f} s, {:.0f}/s, p99 {}, {} done    ", what,
                                         p.elapsed_s, p.total_s, p.per_second, human_time(p.p99_ns), p.done);
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    progress_shown = true;
}

void end_progress() {
    if (progress_shown) std::fputc('\n', stderr);
    progress_shown = false;
}

}  // namespace bench
