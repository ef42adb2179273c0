// transitions_taken PROGRAM…: the last ctest, over what the test programs of these names left of their moves.
// Exit 1 when a row of the state table was taken by none, 77 (skipped) when that cannot be told because some
// have not run since they were built.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/test_paths.hpp"
#include "tests/transitions/transitions_judge.hpp"

namespace {

constexpr int exit_skipped = 77;

bool ran_since_built(const std::filesystem::path& left, const std::string& program) {
    std::error_code none;
    const auto built = std::filesystem::last_write_time(program_path(program), none);
    if (none) return false;
    const auto ran = std::filesystem::last_write_time(left, none);
    return !none && ran >= built;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: transitions_taken PROGRAM...\n", stderr);
        return 2;
    }
    std::set<transitions::Move> taken;
    std::vector<std::string> not_run;
    for (int i = 1; i < argc; ++i) {
        const std::filesystem::path left = transitions_path(argv[i]);
        if (!ran_since_built(left, argv[i])) {
            not_run.push_back(argv[i]);
            continue;
        }
        std::ifstream file(left);
        taken.merge(transitions::read_moves(file));
    }
    const transitions::Verdict verdict = transitions::judge(acquirer::state_table::transitions, taken);
    for (const std::string& row : verdict.not_taken) std::printf("taken by no test: %s\n", row.c_str());
    if (verdict.not_taken.empty()) {
        std::printf("every row of the state table was taken\n");
        return 0;
    }
    if (not_run.empty()) return 1;
    std::printf("cannot be judged: these have not run as a whole since they were built:");
    for (const std::string& name : not_run) std::printf(" %s", name.c_str());
    std::printf("\n");
    return exit_skipped;
}
