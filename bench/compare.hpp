// switch-bench compare: the figures of two runs (--json), side by side.
#pragma once

#include <string>
#include <vector>

#include "bench/report.hpp"

namespace bench {

struct CompareOptions {
    std::string before, after;         // files
    std::vector<std::string> fail_if;  // of after / before: "load.p99_us>1.1"
    ReportFiles files;
};

/// after / before of what both have, under its name; a figure that only one has is in the sheet alone.
Report compare(const Figures& before, const Figures& after);

/// Exit code: 0 done, 1 a bound does not hold or a file cannot be read, 2 usage.
int run_compare(const CompareOptions& options);

}  // namespace bench
