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

struct Report {
    std::string title;                                       // "switch-bench load"
    std::vector<std::pair<std::string, std::string>> facts;  // machine, settings, in words
    std::vector<Measured> runs;
    std::vector<std::pair<std::string, double>>
        figures;                        // named numbers: "load.per_second", "ratio.load.relay"
    std::vector<std::string> findings;  // what was checked and what differed
    bool passed = true;
};

std::string to_table(const Report& report);
std::string to_json(const Report& report);
std::string to_html(const Report& report);
/// Cores, kernel, model of the processor: every figure stands beside them.
std::vector<std::pair<std::string, std::string>> machine_facts();
/// Writes what was asked for ("" is not); complains on stderr and returns false when a file cannot be
/// written.
bool write_reports(const Report& report, const std::string& json_file, const std::string& html_file);
/// One line on stderr, rewritten in place; silent when stderr is no terminal.
void show_progress(const std::string& what, const Progress& progress);
void end_progress();

}  // namespace bench
