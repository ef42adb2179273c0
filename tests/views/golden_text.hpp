// Golden files: tests/views/golden/NAME.txt.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/test_paths.hpp"

namespace golden {

inline std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Compares with the file. SWITCH_UPDATE_GOLDEN=1 writes it instead, for a change that was meant.
inline void check(const std::string& name, const std::string& text) {
    const std::string path = source_path("tests/views/golden/") + name + ".txt";
    if (std::getenv("SWITCH_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
    INFO("golden file " << path);
    CHECK(text == read_file(path));
}

}  // namespace golden
