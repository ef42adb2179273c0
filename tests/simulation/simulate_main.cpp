// simulate --seeds N [--seed-base B] [--hours H] | --seed S [--trace]: the deterministic simulator. The last
// line is the verdict: seeds, turns, branches reached (branches.hpp), invariants broken. Exit 1 on a broken
// one, with the command that repeats it, and with --all-branches on a branch that was not reached; exit 2 on
// wrong usage.
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

#include "tests/simulation/branches.hpp"
#include "tests/simulation/run.hpp"
#include "tests/test_paths.hpp"

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
    bool markdown = false;
    bool all_branches = false;
    bool until_broken = false;
    std::string write_pairs;
};

constexpr const char* usage =
    "usage: simulate [--seeds N] [--seed-base B] [--hours H] [--seconds N] [--branches [--markdown]]\n"
    "                [--all-branches] [--until-broken] [--write-pairs FILE]\n"
    "       simulate --seed S [--seconds N] [--trace]\n"
    "  --seeds N      so many worlds, 200 when not said\n"
    "  --seed-base B  the first one's seed\n"
    "  --hours H      as many worlds as fit into H hours\n"
    "  --seconds N    virtual seconds of faults in each world, 60 when not said\n"
    "  --branches     how often each branch was reached; with --markdown as tables\n"
    "  --all-branches exit 1 as well when a branch was not reached, or one that cannot be\n"
    "  --until-broken no further than the first seed that breaks an invariant\n"
    "  --write-pairs FILE  the pairs of state and event that were met, as tests/simulation/pairs.txt keeps "
    "them\n"
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
        else if (name == "--markdown")
            a.markdown = true;
        else if (name == "--all-branches")
            a.all_branches = true;
        else if (name == "--until-broken")
            a.until_broken = true;
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
        else if (name == "--write-pairs" && *value != '\0')
            a.write_pairs = value;
        else if (std::uint64_t seed = 0; name == "--seed" && parse(value, seed))
            a.seed = seed;
        else
            return std::nullopt;
    }
    return a;
}

unsigned long long number(std::uint64_t n) { return n; }

void say_broken(const simulation::Verdict& verdict, std::int64_t seconds) {
    for (const simulation::Broken& b : verdict.broken)
        std::printf("seed %llu, %s broken: %s\n", number(verdict.seed), b.invariant.c_str(), b.what.c_str());
    if (!verdict.broken.empty())
        std::printf("repeat it: simulate --seed %llu --seconds %lld --trace\n", number(verdict.seed),
                    static_cast<long long>(seconds));
}

struct Totals {
    simulation::Campaign campaign;
    std::uint64_t turns = 0, broken = 0;
};

Totals play(const Arguments& arguments) {
    const Clock::time_point begun = Clock::now();
    const auto hours_over = [&] {
        return std::chrono::duration<double, std::ratio<3600>>(Clock::now() - begun).count() >=
               arguments.hours;
    };
    const bool progress = isatty(STDERR_FILENO) != 0;
    const std::uint64_t first = arguments.seed.value_or(arguments.seed_base);
    const std::uint64_t wanted = arguments.seed ? 1 : arguments.seeds;
    Totals t;
    const std::uint64_t& seeds = t.campaign.seeds;
    while (arguments.hours > 0 ? !hours_over() : seeds < wanted) {
        simulation::RunOptions options;
        options.seed = first + seeds;
        options.bad_weather_ms = arguments.seconds * 1'000;
        if (arguments.trace)
            options.trace = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
        const simulation::Verdict verdict = simulation::run_seed(options);
        t.campaign.add(verdict.reached);
        t.turns += verdict.turns;
        t.broken += verdict.broken.size();
        say_broken(verdict, arguments.seconds);
        if (progress && seeds % 20 == 0)
            std::fprintf(stderr, "\r%llu seeds, %llu turns ", number(seeds), number(t.turns));
        std::fflush(stdout);
        if (arguments.until_broken && t.broken != 0) break;
    }
    if (progress) std::fputc('\r', stderr);
    return t;
}

void say(const char* what, const std::vector<std::string>& branches) {
    for (const std::string& branch : branches) std::printf("%s: %s\n", what, branch.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = read_arguments(argc, argv);
    if (!arguments) {
        std::fputs(usage, stderr);
        return 2;
    }
    const auto lists = simulation::read_branch_lists(source_path("tests/simulation"));
    if (!lists) {
        std::fprintf(stderr, "%s\n", lists.error().c_str());
        return 2;
    }
    const Totals totals = play(*arguments);
    if (!arguments->write_pairs.empty()) {
        std::ofstream file(arguments->write_pairs);
        file << simulation::pairs_text(totals.campaign) << std::flush;
        if (!file) {
            std::fprintf(stderr, "%s cannot be written\n", arguments->write_pairs.c_str());
            return 2;
        }
    }
    const std::vector<simulation::Branch> registered = simulation::registered_branches(*lists);
    const simulation::BranchReport report = simulation::judge_branches(registered, *lists, totals.campaign);
    if (arguments->branches)
        std::fputs(simulation::branch_table(registered, *lists, totals.campaign, arguments->markdown).c_str(),
                   stdout);
    // One world meets few: what it does not is no news.
    if (arguments->branches || arguments->all_branches) say("not reached", report.missing);
    say("new pair", report.new_pairs);
    say("in no table", report.unregistered);
    say("reached, and in not_yet.txt", report.not_needed);
    say("reached, and in unreachable.txt", report.impossible);
    std::printf("%llu seeds, %llu turns, %s, %llu invariants broken\n", number(totals.campaign.seeds),
                number(totals.turns), report.words().c_str(), number(totals.broken));
    const bool met_all = report.missing.empty() && report.impossible.empty() && report.unregistered.empty();
    return totals.broken > 0 || (arguments->all_branches && !met_all) ? 1 : 0;
}
