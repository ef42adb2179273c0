// What a bench run found, as a table for people, JSON for machines and one self-contained HTML page with
// plots. Pure rendering: nothing is measured here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/fleet.hpp"

namespace bench {

/// One run of the generator under a name.
struct Measured {
    std::string name;  // "load", "relay 64 x 1" …
    FleetResult fleet;
    std::vector<std::pair<std::string, std::size_t>> kinds;  // name and index of the kinds that were played
};

/// A table of texts.
struct Sheet {
    std::string title;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;  // a text for each column
};

/// Lines over an axis of evenly spaced points.
struct Curves {
    std::string title;
    std::vector<std::string> at;                                     // what stands below each point
    std::string unit;                                                // "MiB"
    std::vector<std::pair<std::string, std::vector<double>>> lines;  // a value for each point
};

/// Named numbers: "load.per_second", "ratio.load.relay".
using Figures = std::vector<std::pair<std::string, double>>;

struct Report {
    std::string title;  // "switch-bench load"
    std::vector<std::pair<std::string, std::string>>
        facts;  // when, which command, machine, settings, in words
    std::vector<Measured> runs;
    std::vector<Sheet> sheets;
    std::vector<Curves> curves;  // on the page alone
    Figures figures;
    std::vector<std::string> findings;  // what was checked and what differed
    bool passed = true;
};

std::string to_table(const Report& report);
std::string to_json(const Report& report);
std::string to_html(const Report& report);
/// A line per run and second, with a head.
std::string to_csv(const Report& report);
/// The figures of a report of any subcommand (to_json), or of a flat object of numbers; the error names the
/// fault.
iso8583::Result<Figures> read_figures(const std::string& json);
/// When, which command, cores, kernel, model of the processor: every figure stands beside them.
std::vector<std::pair<std::string, std::string>> machine_facts();
/// Where a report goes besides stdout; "" is nowhere.
struct ReportFiles {
    std::string json, html;
    std::string csv;   // seconds
    std::string hgrm;  // latency of the first run as HdrHistogram's tools read it
};
/// Complains on stderr and returns false when the file cannot be written; "" is nowhere.
bool write_file(const std::string& file, const std::string& content);
/// The same of each.
bool write_reports(const Report& report, const ReportFiles& files);
/// Said once, by main: the command as it was typed. machine_facts() has it.
void remember_command(int argc, const char* const* argv);
/// One line on stderr, rewritten in place; silent when stderr is no terminal.
void show_progress(const std::string& what, const Progress& progress);
void end_progress();

}  // namespace bench
