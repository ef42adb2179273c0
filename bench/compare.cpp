#include "bench/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "bench/bound.hpp"
#include "bench/load_session.hpp"

namespace bench {

using iso8583::parse_error;
using iso8583::Result;

namespace {

const double* find(const Figures& figures, const std::string& name) {
    for (const auto& [key, value] : figures)
        if (key == name) return &value;
    return nullptr;
}

Result<Figures> read_file(const std::string& file) {
    std::ifstream in(file);
    if (!in) return parse_error("cannot read " + file);
    auto figures = read_figures({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
    if (!figures) return parse_error(file + ": " + figures.error().what);
    return figures;
}

}  // namespace

Report compare(const Figures& before, const Figures& after) {
    Report report;
    report.title = "switch-bench compare";
    Sheet sheet{"Figures", {"name", "before", "after", "after / before"}, {}};
    for (const auto& [name, was] : before) {
        const double* is = find(after, name);
        const bool comparable = is != nullptr && was != 0;
        if (comparable) report.figures.emplace_back(name, *is / was);
        sheet.rows.push_back({name, fmt::format("{:.6g}", was),
                              is == nullptr ? "–" : fmt::format("{:.6g}", *is),
                              comparable ? fmt::format("{:.3f}", *is / was) : "–"});
    }
    for (const auto& [name, is] : after)
        if (find(before, name) == nullptr) sheet.rows.push_back({name, "–", fmt::format("{:.6g}", is), "–"});
    report.sheets.push_back(std::move(sheet));
    return report;
}

int run_compare(const CompareOptions& o) {
    const auto bounds = parse_bounds(o.fail_if);
    if (!bounds) return complain("compare", bounds.error().what, 2);
    const auto before = read_file(o.before);
    if (!before) return complain("compare", before.error().what, 1);
    const auto after = read_file(o.after);
    if (!after) return complain("compare", after.error().what, 1);
    Report report = compare(*before, *after);
    report.facts = {{"before", o.before}, {"after", o.after}};
    judge(*bounds, report);
    const bool written = write_reports(report, o.files);
    std::fputs(to_table(report).c_str(), stdout);
    return report.passed && written ? 0 : 1;
}

}  // namespace bench
