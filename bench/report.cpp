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

#include "switch/page/html_page.hpp"

namespace bench {

namespace {

using html_page::line_plot;
using html_page::Series;
using html_page::ticks_of;

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

std::string time_plots(const Measured& run) {
    const auto& seconds = run.fleet.seconds;
    Series rate{"answers a second", {}}, p50{"p50", {}}, p99{"p99", {}};
    std::vector<std::string> labels;
    double rate_max = 0, latency_max = 0;
    for (std::size_t i = 0; i < seconds.size(); ++i) {
        const double x =
            seconds.size() < 2 ? 0 : static_cast<double>(i) / static_cast<double>(seconds.size() - 1);
        labels.push_back(std::to_string(i + 1) + " s");
        rate.points.emplace_back(x, static_cast<double>(seconds[i].done));
        p50.points.emplace_back(x, static_cast<double>(seconds[i].p50_ns) / 1e6);
        p99.points.emplace_back(x, static_cast<double>(seconds[i].p99_ns) / 1e6);
        rate_max = std::max(rate_max, static_cast<double>(seconds[i].done));
        latency_max = std::max(latency_max, static_cast<double>(seconds[i].p99_ns) / 1e6);
    }
    const auto ticks = ticks_of(labels);
    return line_plot(run.name + ": throughput over time", {rate}, ticks, rate_max, per_second_label) +
           line_plot(run.name + ": latency over time", {p50, p99}, ticks, latency_max, milliseconds);
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
    std::string out = html_page::begin(report.title);
    out += report.passed ? html_page::paragraph("passed")
                         : html_page::paragraph("FAILED", html_page::Weight::strong);
    for (const Measured& run : report.runs) out += latency_plot(run) + time_plots(run);
    return out + html_page::heading("Figures") + html_page::preformatted(to_table(report)) + html_page::end();
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
