// A program of ours run to its end by a test, with what it said.
#pragma once

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <string>

#include "tests/test_paths.hpp"

struct Ended {
    int code = -1;
    std::string out;  // stdout and stderr
};

/// `arguments` as a shell takes them.
inline Ended run_program(const std::string& program, const std::string& arguments) {
    std::FILE* pipe = ::popen((program_path(program) + " " + arguments + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    Ended ended;
    std::array<char, 4096> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
        ended.out.append(buffer.data(), got);
    ended.code = WEXITSTATUS(::pclose(pipe));
    return ended;
}
