// Where tests find the source tree and the programs that were built.
#pragma once

#include <string>

std::string source_path(const std::string& relative);  // "docs/states.md" in the source tree
std::string program_path(const std::string& program);  // "issuer-sim" in build/<preset>/bin
std::string transitions_path(
    const std::string& name);  // what the test program of that name moved (test_main.cpp)
