// Instructions of a run of this very program, counted by valgrind's callgrind: few machines lend their
// counters.
#pragma once

#include <string>
#include <vector>

namespace bench {

/// Runs `switch-bench ARGUMENTS` under callgrind and returns what it collected: all of it, or with
/// `functions` (C++ names, * for any characters) only what happens between their calls and returns. They must
/// not call each other: each call turns collecting on or off. Nothing (0) when valgrind is missing or the run
/// failed.
double count_instructions(const std::string& arguments, const std::vector<std::string>& functions = {});

/// "valgrind-3.19.0", or empty where there is none.
std::string valgrind_version();

}  // namespace bench
