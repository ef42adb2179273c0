// The command line of a program of ours, in one voice: --help, --version, what is said of a wrong word, and
// `--print man|bash|zsh|commands`, which prints its manual page, its completion (CMakeLists.txt makes files
// of them) or its commands. CLI11 stays behind this header and in the program's main.
//
//     CLI::App app("what it does, in one sentence", "refundctl");
//     …add_option…
//     command_line::Program program(app, {…});
//     if (const auto code = program.parse(argc, argv)) return *code;
//
// Thread: the caller's. Errors: an exit code and a sentence on stderr that names the word; a word with as
// many digits as a PAN is never repeated.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "iso8583/command_line/command_shape.hpp"

namespace CLI {
class App;
}

namespace command_line {

inline constexpr int exit_done = 0;
inline constexpr int exit_usage = 2;
inline constexpr int exit_out_of_memory = 1;

class Program {
  public:
    /// `app` has its name, and outlives this. From here on a program that gets no memory ends with a line on
    /// stderr and exit_out_of_memory, and one whose output could not be written does not end with 0
    /// (standard_streams.hpp).
    Program(CLI::App& app, Manual manual);

    /// Who is told of a wrong usage instead of stderr: a sentence.
    void on_usage_fault(std::function<void(const std::string&)> told) { told_ = std::move(told); }
    /// Nothing: go on, the options have their values. Otherwise the exit code of a program that has said all.
    std::optional<int> parse(int argc, const char* const* argv);
    /// The help of the command that was asked for, or of the program.
    [[nodiscard]] std::string help() const;

  private:
    int report(const std::string& fault, const CommandShape& command) const;

    CLI::App& app_;
    Manual manual_;
    std::function<void(const std::string&)> told_;
};

/// "refundctl 0.1.0 (commit 6f0ab98d1c3e)".
std::string version_line(const std::string& program);

}  // namespace command_line
