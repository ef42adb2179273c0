#include "bench/report.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/histogram_text.hpp"
#include "bench/report_words.hpp"
#include "iso8583/command_line/version.hpp"

namespace bench {

namespace {

void add_histogram_row(std::string& out, const std::string& name, const Histogram& h) {
    fmt::format_to(std::back_inserter(out), "  {:<17}{:>10}{:>9}{:>9}", name, h.count(),
                   human_time(h.min_ns()), human_time(static_cast<std::uint64_t>(h.mean_ns())));
    for (const auto& [label, fraction] : percentiles)
        fmt::format_to(std::back_inserter(out), "{:>9}", human_time(h.percentile_ns(fraction)));
    fmt::format_to(std::back_inserter(out), "{:>9}\n", human_time(h.max_ns()));
}

nlohmann::json histogram_json(const Histogram& h) {
    nlohmann::json j = {
        {"count", h.count()}, {"min_ns", h.min_ns()}, {"mean_ns", h.mean_ns()}, {"max_ns", h.max_ns()}};
    for (const auto& [label, fraction] : percentiles)
        j[std::string(label) + "_ns"] = h.percentile_ns(fraction);
    return j;
}

std::string typed;  // the command

std::string in_columns(const Sheet& sheet) {
    std::vector<std::size_t> widths(sheet.columns.size());
    for (std::size_t c = 0; c < widths.size(); ++c) {
        widths[c] = sheet.columns[c].size();
        for (const auto& row : sheet.rows) widths[c] = std::max(widths[c], row[c].size());
    }
    const auto line = [&widths](const std::vector<std::string>& cells) {
        std::string out = " ";
        for (std::size_t c = 0; c < cells.size(); ++c)
            fmt::format_to(std::back_inserter(out), " {:>{}}", cells[c], widths[c] + 1);
        return out + "\n";
    };
    std::string out = "\n" + sheet.title + "\n" + line(sheet.columns);
    for (const auto& row : sheet.rows) out += line(row);
    return out;
}

std::string local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    char text[40];
    const std::size_t bytes = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &parts);
    return {text, bytes};
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
        fmt::format_to(std::back_inserter(out),
                       "  {:<17}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "", "count", "least",
                       "mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "longest");
        add_histogram_row(out, "all, since due", f.latency);
        add_histogram_row(out, "all, since sent", f.service);
        for (const auto& [name, index] : run.kinds)
            if (f.by_kind[index].count() > 0) add_histogram_row(out, name, f.by_kind[index]);
        if (f.unanswered + f.broken_connections + f.stray_answers + f.backlog_max > 0)
            fmt::format_to(std::back_inserter(out),
                           "  unanswered {}, broken connections {}, stray answers {}, longest backlog {}\n",
                           f.unanswered, f.broken_connections, f.stray_answers, f.backlog_max);
    }
    for (const Sheet& sheet : report.sheets) out += in_columns(sheet);
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
            r["seconds"].push_back({{"done", s.done},
                                    {"length_s", s.length_s},
                                    {"p50_ns", s.p50_ns},
                                    {"p95_ns", s.p95_ns},
                                    {"p99_ns", s.p99_ns},
                                    {"max_ns", s.max_ns}});
        j["runs"].push_back(std::move(r));
    }
    for (const Sheet& sheet : report.sheets) {
        auto& rows = j["sheets"][sheet.title] = nlohmann::json::array();
        for (const auto& row : sheet.rows) {
            nlohmann::json object = nlohmann::json::object();
            for (std::size_t c = 0; c < row.size(); ++c) object[sheet.columns[c]] = row[c];
            rows.push_back(std::move(object));
        }
    }
    return j.dump(2) + "\n";
}

iso8583::Result<Figures> read_figures(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return iso8583::parse_error("is no JSON");
    if (!json.is_object()) return iso8583::parse_error("is no report: an object is needed");
    const auto& figures = json.contains("figures") ? json["figures"] : json;
    if (!figures.is_object()) return iso8583::parse_error("its figures are no object");
    Figures all;
    for (const auto& [name, value] : figures.items())
        if (value.is_number()) all.emplace_back(name, value.get<double>());
    if (all.empty()) return iso8583::parse_error("has no figures");
    return all;
}

std::string to_csv(const Report& report) {
    std::string out = "run,second,length_s,answers,p50_us,p95_us,p99_us,max_us\n";
    const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
    for (const Measured& run : report.runs)
        for (std::size_t i = 0; i < run.fleet.seconds.size(); ++i) {
            const FleetSecond& s = run.fleet.seconds[i];
            fmt::format_to(std::back_inserter(out), "\"{}\",{},{:.3f},{},{:.1f},{:.1f},{:.1f},{:.1f}\n",
                           run.name, i + 1, s.length_s, s.done, us(s.p50_ns), us(s.p95_ns), us(s.p99_ns),
                           us(s.max_ns));
        }
    return out;
}

void remember_command(int argc, const char* const* argv) {
    typed = "switch-bench";
    for (int i = 1; i < argc; ++i) typed += std::string(" ") + argv[i];
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
    return {{"when", local_time()},
            {"command", typed},
            {"commit", command_line::build_commit},
            {"processor", model},
            {"cores", std::to_string(std::thread::hardware_concurrency())},
            {"kernel", std::string(system.sysname) + " " + system.release},
            {"build", build}};
}

bool write_file(const std::string& file, const std::string& content) {
    if (file.empty()) return true;
    std::ofstream out(file);
    out << content;
    out.flush();
    if (!out) std::fprintf(stderr, "switch-bench: cannot write %s\n", file.c_str());
    return out.good();
}

bool write_reports(const Report& report, const ReportFiles& files) {
    bool written = true;
    const auto write = [&written](const std::string& file, const std::string& content) {
        written = write_file(file, content) && written;
    };
    if (!files.json.empty()) write(files.json, to_json(report));
    if (!files.html.empty()) write(files.html, to_html(report));
    if (!files.csv.empty()) write(files.csv, to_csv(report));
    if (!files.hgrm.empty())
        write(files.hgrm, to_hgrm(report.runs.empty() ? Histogram() : report.runs.front().fleet.latency));
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
