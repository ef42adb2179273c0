// Each program of ours, asked as a person asks.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>

#include "iso8583/values/joined_text.hpp"
#include "tests/run_program.hpp"

namespace {

constexpr std::array programs = {"refund-switch", "refundctl", "issuer-sim",
                                 "hsm-sim",       "iso8583",   "switch-bench"};

}  // namespace

TEST_CASE("every program says its name, version and commit") {
    for (const std::string program : programs) {
        const Ended ended = run_program(program, "--version");
        INFO(ended.out);
        CHECK(std::regex_match(
            ended.out,
            std::regex(program +
                       " [0-9]+\\.[0-9]+\\.[0-9]+ \\(commit ([0-9a-f]{12}(-modified)?|unknown)\\)\n")));
        CHECK(ended.code == 0);
    }
}

TEST_CASE("every program's help begins with its name and a line of usage, and a wrong option is 2") {
    for (const std::string program : programs) {
        const Ended help = run_program(program, "--help");
        CHECK(help.code == 0);
        CHECK(help.out.starts_with(program + ": "));
        CHECK(help.out.find("\nUsage: " + program + " ") != std::string::npos);
        const Ended wrong = run_program(program, "--vresion");
        CHECK(wrong.code == 2);
        CHECK(wrong.out ==
              iso8583::joined({program, ": --vresion: no such option; did you mean --version?\n`", program,
                               " --help` shows how it is used\n"}));
    }
}

TEST_CASE("regression: the help of a command without the program's name") {
    CHECK(run_program("refundctl", "refund open --help")
              .out.find("\nUsage: refundctl refund open --rrn RRN ") != std::string::npos);
    CHECK(run_program("hsm-sim", "wrap-key --help").out.find("\nUsage: hsm-sim wrap-key ") !=
          std::string::npos);
    CHECK(run_program("iso8583", "describe --help").out.starts_with("iso8583 describe: "));
}

TEST_CASE("regression: raw NUL bytes in hsm-sim --help") {
    for (const std::string program : programs)
        for (const char c : run_program(program, "--help").out)
            if (static_cast<unsigned char>(c) < ' ' && c != '\n') FAIL(program << ": byte " << int{c});
    CHECK(run_program("hsm-sim", "--help")
              .out.find("how DA and EA bring their table: clear, encrypted, stored") != std::string::npos);
    CHECK(run_program("hsm-sim", "--decimalisation CLEAR status")
              .out.starts_with("hsm-sim: status: --control is needed"));
    CHECK(run_program("hsm-sim", "--decimalisation enrypted").out.find("did you mean encrypted?") !=
          std::string::npos);
}

TEST_CASE("regression: CLI11 reversed the words that were not expected") {
    CHECK(run_program("refundctl", "status first second")
              .out.starts_with("refundctl: status: first was not expected\n"));
    CHECK(run_program("issuer-sim", "--config x first second")
              .out.starts_with("issuer-sim: first was not expected\n"));
}

TEST_CASE("an option of the program behind a command that does not take it is named") {
    CHECK(run_program("hsm-sim", "status --control x --serial y")
              .out.starts_with("hsm-sim: status: --serial: no such option"));
    CHECK(run_program("hsm-sim", "status --help").out.find("--serial") == std::string::npos);
}

TEST_CASE("words of an enumeration: did you mean") {
    CHECK(run_program("refund-switch", "--describe rule").out.find("; did you mean rules?") !=
          std::string::npos);
    CHECK(run_program("refundctl", "totals --by rout").out ==
          "refundctl: by: has to be one of route, merchant, terminal, instrument, reason; did you mean "
          "route?\n");
    CHECK(run_program("refundctl", "list --state aproved").out.find("; did you mean approved?") !=
          std::string::npos);
}

TEST_CASE("no internal command or option is in refundctl's help") {
    CHECK(run_program("refundctl", "--help").out.find("\n  files ") == std::string::npos);
    CHECK(run_program("refundctl", "batch --help").out.find("judge") == std::string::npos);
    CHECK(run_program("refundctl", "refund open --help").out.find("proof-digest") == std::string::npos);
    CHECK(run_program("refundctl", "day --help").out.find("  status ") != std::string::npos);
}

TEST_CASE("what could not be printed is no success") {
    // "#" keeps run_program() from sending stderr after stdout.
    for (const std::string program : programs) {
        CAPTURE(program);
        for (const std::string asked : {"--help", "--version", "--print man"}) {
            const Ended full = run_program(program, asked + " 2>&1 >/dev/full #");
            CHECK(full.code == 1);
            // A long text fails on its way already, and the reason is not known at the end.
            CHECK(full.out.starts_with(program + ": what was to be printed could not be written"));
            CHECK(run_program(program, asked + " 2>&1 >&- #").code == 1);
            CHECK(run_program(program, asked + " >/dev/null #").code == 0);
        }
        // What went wrong before stays what is told, and a program that prints nothing misses nothing.
        CHECK(run_program(program, "--vresion >/dev/full #").code == 2);
        CHECK(run_program(program, "--vresion >&- #").code == 2);
    }
    CHECK(run_program("iso8583", "dialects >/dev/full 2>&1 #").code == 1);
    CHECK(run_program("refund-switch", "--describe rules >/dev/full 2>&1 #").code == 1);
    // Nobody reads on, and that is no fault of the program.
    for (const std::string asked : {"refund-switch --describe rules", "iso8583 dialects --json"}) {
        const std::string program = asked.substr(0, asked.find(' '));
        const std::string shell = "trap '' PIPE; exec 3>&1; { " + program_path(program) +
                                  asked.substr(program.size()) + "; echo ended $? >&3; } 2>&3 | true";
        std::FILE* pipe = ::popen(shell.c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::array<char, 256> said{};
        const std::size_t size = std::fread(said.data(), 1, said.size() - 1, pipe);
        ::pclose(pipe);
        CHECK(std::string(said.data(), size) == "ended 0\n");
    }
}

TEST_CASE("hsm-sim says where it cannot listen, and takes no file of somebody else's for its socket") {
    const std::string folder = "hsm_sim_listens_" + std::to_string(::getpid());
    std::filesystem::create_directory(folder);
    std::ofstream(folder + "/kept") << "kept";
    const std::string base = "--listen 127.0.0.1:0 ";
    const Ended taken = run_program("hsm-sim", base + "--control " + folder + "/kept");
    CHECK(taken.code == 1);
    CHECK(taken.out.find("hsm-sim: --control " + folder + "/kept: there is a file that is no socket\n") !=
          std::string::npos);
    CHECK(std::filesystem::file_size(folder + "/kept") == 4);
    const Ended elsewhere = run_program("hsm-sim", "--listen 192.0.2.1:1500");
    CHECK(elsewhere.code == 1);
    CHECK(elsewhere.out.find("hsm-sim: --listen 192.0.2.1:1500: Cannot assign requested address\n") !=
          std::string::npos);
    std::filesystem::remove_all(folder);
}
