// simulate --seeds N [--seed-base B] [--hours H] | --seed S [--trace]: the deterministic simulator. The last
// line is the verdict: seeds, turns, rare branches reached, invariants broken. Exit 1 on a broken one, with
// the command that repeats it, and with --all-branches on a branch that was not reached; exit 2 on wrong
// usage.
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "tests/simulation/run.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
    std::uint64_t seeds = 200;
    std::uint64_t seed_base = 1;
    double hours = 0;
    std::optional<std::uint64_t> seed;
    std::int64_t seconds = 60;  // of bad weather a seed
    bool trace = false;
    bool branches = false;
    bool all_branches = false;
};

constexpr const char* usage =
    "usage: simulate [--seeds N] [--seed-base B] [--hours H] [--seconds N] [--branches] [--all-branches]\n"
    "       simulate --seed S [--seconds N] [--trace]\n"
    "  --seeds N      so many worlds, 200 when not said\n"
    "  --seed-base B  the first one's seed\n"
    "  --hours H      as many worlds as fit into H hours\n"
    "  --seconds N    virtual seconds of faults in each world, 60 when not said\n"
    "  --branches     how often each rare branch was reached\n"
    "  --all-branches exit 1 as well when a rare branch was not reached\n"
    "  --trace        what happens, line by line\n";

template <typename Number>
bool parse(const char* text, Number& out) {
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, out);
    return error == std::errc() && stop == end;
}

std::optional<Arguments> read_arguments(int argc, char** argv) {
    Arguments a;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--trace")
            a.trace = true;
        else if (name == "--branches")
            a.branches = true;
        else if (name == "--all-branches")
            a.all_branches = true;
        else if (i + 1 == argc)
            return std::nullopt;
        else if (const char* value = argv[++i]; name == "--seeds" && parse(value, a.seeds))
            continue;
        else if (name == "--seed-base" && parse(value, a.seed_base))
            continue;
        else if (name == "--hours" && parse(value, a.hours) && a.hours > 0)
            continue;
        else if (name == "--seconds" && parse(value, a.seconds) && a.seconds > 0)
            continue;
        else if (std::uint64_t seed = 0; name == "--seed" && parse(value, seed))
            a.seed = seed;
        else
            return std::nullopt;
    }
    return a;
}

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = read_arguments(argc, argv);
    if (!arguments) {
        std::fputs(usage, stderr);
        return 2;
    }
    const Clock::time_point begun = Clock::now();
    const auto hours_over = [&] {
        return std::chrono::duration<double, std::ratio<3600>>(Clock::now() - begun).count() >=
               arguments->hours;
    };
    const bool progress = isatty(STDERR_FILENO) != 0;
    std::uint64_t seeds = 0, turns = 0, broken = 0;
    std::map<std::string, std::uint64_t> reached;
    const std::uint64_t first = arguments->seed.value_or(arguments->seed_base);
    const std::uint64_t wanted = arguments->seed ? 1 : arguments->seeds;
    while (arguments->hours > 0 ? !hours_over() : seeds < wanted) {
        simulation::RunOptions options;
        options.seed = first + seeds;
        options.bad_weather_ms = arguments->seconds * 1'000;
        if (arguments->trace)
            options.trace = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
        const simulation::Verdict verdict = simulation::run_seed(options);
        ++seeds;
        turns += verdict.turns;
        broken += verdict.broken.size();
        for (const auto& [branch, times] : verdict.reached) reached[branch] += times;
        for (const simulation::Broken& b : verdict.broken)
            std::printf("seed %llu, %s broken: %s\n", static_cast<unsigned long long>(verdict.seed),
                        b.invariant.c_str(), b.what.c_str());
        if (!verdict.broken.empty())
            std::printf("repeat it: simulate --seed %llu --seconds %lld --trace\n",
                        static_cast<unsigned long long>(verdict.seed),
                        static_cast<long long>(arguments->seconds));
        if (progress && seeds % 20 == 0)
            std::fprintf(stderr, "\r%llu seeds, %llu turns ", static_cast<unsigned long long>(seeds),
                         static_cast<unsigned long long>(turns));
        std::fflush(stdout);
    }
    if (progress) std::fputc('\r', stderr);
    std::string missing;
    std::size_t found = 0;
    for (const std::string& branch : simulation::rare_branches()) {
        if (reached.contains(branch))
            ++found;
        else
            missing += (missing.empty() ? " (not: " : ", ") + branch;
        if (arguments->branches)
            std::printf("%10llu  %s\n", static_cast<unsigned long long>(reached[branch]), branch.c_str());
    }
    if (!missing.empty()) missing += ")";
    std::printf("%llu seeds, %llu turns, %zu of %zu rare branches reached%s, %llu invariants broken\n",
                static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(turns), found,
                simulation::rare_branches().size(), missing.c_str(), static_cast<unsigned long long>(broken));
    return broken > 0 || (arguments->all_branches && !missing.empty()) ? 1 : 0;
}
