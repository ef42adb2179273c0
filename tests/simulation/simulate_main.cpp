// simulate --seeds N [--seed-base B] [--hours H] [--shards N] | --seed S [--trace]: the deterministic
// simulator. The last line is the verdict: seeds, turns, branches reached (branches.hpp), invariants broken.
// Exit 1 on a broken one, with the command that repeats it, and with --all-branches on a branch that was not
// reached; exit 2 on wrong usage.
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "iso8583/specs/resident_dialects.hpp"
#include "tests/flow/flow_player.hpp"
#include "tests/simulation/branches.hpp"
#include "tests/simulation/run.hpp"
#include "tests/simulation/shrink.hpp"
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
    std::uint64_t jobs = 1;
    std::string write_pairs;
    std::set<std::string> without;
    std::map<std::string, std::string> dialects;  // by route
    std::string shrink_to;
    std::optional<std::size_t> shards;
};
constexpr std::uint64_t jobs_max = 64;

constexpr const char* usage =
    "usage: simulate [--seeds N] [--seed-base B] [--hours H] [--seconds N] [--branches [--markdown]]\n"
    "                [--all-branches] [--until-broken] [--write-pairs FILE] [--jobs N] [--shards N]\n"
    "       simulate --seed S [--seconds N] [--shards N] [--without NAMES] [--trace | --shrink FILE]\n"
    "  --seeds N      so many worlds, 200 when not said\n"
    "  --seed-base B  the first one's seed\n"
    "  --hours H      as many worlds as fit into H hours\n"
    "  --seconds N    virtual seconds of faults in each world, 60 when not said\n"
    "  --shards N     1, 2 or 4 in every world; when not said one in most, and the seed says in which not\n"
    "  --branches     how often each branch was reached; with --markdown as tables\n"
    "  --all-branches exit 1 as well when a branch was not reached, or one that cannot be\n"
    "  --until-broken no further than the first seed that breaks an invariant, and not a word of branches\n"
    "  --write-pairs FILE  the pairs of state and event that were met, as tests/simulation/pairs.txt keeps "
    "them\n"
    "  --dialect ROUTE=DIALECT  issuer-a or issuer-b speaks this one, built in or a file\n"
    "  --jobs N       on so many processes, 1 when not said\n"
    "  --trace        what happens, line by line\n"
    "  --without NAMES  conditions that this world is spared, with commas between them\n"
    "  --shrink FILE  the little that breaks the seed's first invariant still, as a flow script "
    "(tests/flow)\n";

template <typename Number>
bool parse(const char* text, Number& out) {
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, out);
    return error == std::errc() && stop == end;
}

std::set<std::string> names_of(const std::string& list) {
    std::set<std::string> names;
    std::istringstream in(list);
    for (std::string name; std::getline(in, name, ',');) names.insert(name);
    return names;
}

/// ROUTE=DIALECT; false, and said why, when the dialect cannot be read.
bool read_dialect(std::string_view value, std::map<std::string, std::string>& dialects) {
    const std::size_t equals = value.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string dialect(value.substr(equals + 1));
    const auto found = iso8583::specs::resident_dialect(dialect);
    for (const auto& problem : found ? iso8583::specs::SpecProblems{} : found.error())
        std::fprintf(stderr, "simulate: %s\n", problem.str().c_str());
    dialects[std::string(value.substr(0, equals))] = dialect;
    return found.has_value();
}

bool read_shards(const char* text, std::optional<std::size_t>& shards) {
    std::size_t number = 0;
    if (!parse(text, number) || (number != 1 && number != 2 && number != 4)) return false;
    shards = number;
    return true;
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
        else if (name == "--shards" && read_shards(value, a.shards))
            continue;
        else if (name == "--jobs" && parse(value, a.jobs) && a.jobs > 0 && a.jobs <= jobs_max)
            continue;
        else if (name == "--write-pairs" && *value != '\0')
            a.write_pairs = value;
        else if (name == "--dialect" && read_dialect(value, a.dialects))
            continue;
        else if (name == "--shrink" && *value != '\0')
            a.shrink_to = value;
        else if (name == "--without" && *value != '\0')
            a.without = names_of(value);
        else if (std::uint64_t seed = 0; name == "--seed" && parse(value, seed))
            a.seed = seed;
        else
            return std::nullopt;
    }
    const bool of_one_seed = !a.shrink_to.empty() || !a.without.empty() || a.trace;
    if (of_one_seed && (!a.seed || a.jobs > 1)) return std::nullopt;
    return a;
}

unsigned long long number(std::uint64_t n) { return n; }

std::string how_to_repeat(std::uint64_t seed, const Arguments& arguments) {
    return "repeat it: simulate --seed " + std::to_string(seed) + " --seconds " +
           std::to_string(arguments.seconds) +
           (arguments.shards ? " --shards " + std::to_string(*arguments.shards) : "") + " --trace\n";
}

void say_broken(const simulation::Verdict& verdict, const Arguments& arguments) {
    for (const simulation::Broken& b : verdict.broken)
        std::printf("seed %llu, %s broken: %s\n", number(verdict.seed), b.invariant.c_str(), b.what.c_str());
    if (!verdict.broken.empty()) std::printf("%s", how_to_repeat(verdict.seed, arguments).c_str());
}

// Of the seed that is being played: an ENSURE that fails, or a crash, ends the program, and says which it
// was.
std::string last_words;

extern "C" void say_last_words(int signal) {
    static_cast<void>(!write(STDERR_FILENO, last_words.data(), last_words.size()));
    std::signal(signal, SIG_DFL);
    static_cast<void>(raise(signal));
}

struct Totals {
    simulation::Campaign campaign;
    std::uint64_t turns = 0, broken = 0;
};

simulation::RunOptions options_of(const Arguments& arguments, std::uint64_t seed) {
    simulation::RunOptions options;
    options.seed = seed;
    options.bad_weather_ms = arguments.seconds * 1'000;
    options.without = arguments.without;
    options.shards = arguments.shards;
    options.dialects = arguments.dialects;
    if (arguments.trace) options.trace = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
    return options;
}

/// Every `step`-th seed from the `from`-th on.
Totals play(const Arguments& arguments, std::uint64_t from, std::uint64_t step) {
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
    last_words = how_to_repeat(first + from, arguments);
    std::signal(SIGABRT, say_last_words);
    for (std::uint64_t n = from; arguments.hours > 0 ? !hours_over() : n < wanted; n += step) {
        last_words = how_to_repeat(first + n, arguments);
        const simulation::Verdict verdict = simulation::run_seed(options_of(arguments, first + n));
        t.campaign.add(verdict.reached);
        t.turns += verdict.turns;
        t.broken += verdict.broken.size();
        say_broken(verdict, arguments);
        if (progress && seeds % 20 == 0)
            std::fprintf(stderr, "\r%llu seeds, %llu turns ", number(seeds), number(t.turns));
        std::fflush(stdout);
        if (arguments.until_broken && t.broken != 0) break;
    }
    if (progress) std::fputc('\r', stderr);
    return t;
}

/// What a process of a campaign has to tell, line by line; names have no tabs.
std::string as_text(const Totals& t) {
    std::string out = std::to_string(t.campaign.seeds) + "\t" + std::to_string(t.turns) + "\t" +
                      std::to_string(t.broken) + "\n";
    for (const auto& [branch, times] : t.campaign.times)
        out += branch + "\t" + std::to_string(times) + "\t" + std::to_string(t.campaign.seeds_of.at(branch)) +
               "\n";
    return out;
}

bool add_text(Totals& t, const std::string& text) {
    std::istringstream in(text);
    std::uint64_t seeds = 0, turns = 0, broken = 0;
    if (!(in >> seeds >> turns >> broken) || in.get() != '\n') return false;
    t.campaign.seeds += seeds;
    t.turns += turns;
    t.broken += broken;
    for (std::string branch; std::getline(in, branch, '\t');) {
        std::uint64_t times = 0, seeds_of = 0;
        if (!(in >> times >> seeds_of) || in.get() != '\n') return false;
        t.campaign.times[branch] += times;
        t.campaign.seeds_of[branch] += seeds_of;
    }
    return true;
}

/// Each process plays its share of the seeds; a world has one thread. Nothing when one of them dies.
std::optional<Totals> play_on_processes(const Arguments& arguments) {
    if (arguments.jobs == 1) return play(arguments, 0, 1);
    std::vector<std::pair<pid_t, int>> processes;
    for (std::uint64_t job = 0; job < arguments.jobs; ++job) {
        int ends[2];
        if (pipe(ends) != 0) return std::nullopt;
        std::fflush(stdout);
        const pid_t pid = fork();
        if (pid < 0) return std::nullopt;
        if (pid == 0) {
            const std::string text = as_text(play(arguments, job, arguments.jobs));
            std::size_t written = 0;
            while (written < text.size()) {
                const ssize_t n = write(ends[1], text.data() + written, text.size() - written);
                if (n <= 0) _exit(1);
                written += static_cast<std::size_t>(n);
            }
            _exit(0);
        }
        close(ends[1]);
        processes.emplace_back(pid, ends[0]);
    }
    Totals all;
    bool whole = true;
    for (const auto& [pid, end] : processes) {
        std::string text;
        char piece[4096];
        for (ssize_t n = 0; (n = read(end, piece, sizeof piece)) > 0;)
            text.append(piece, static_cast<std::size_t>(n));
        close(end);
        int status = 0;
        waitpid(pid, &status, 0);
        whole = add_text(all, text) && WIFEXITED(status) && WEXITSTATUS(status) == 0 && whole;
    }
    return whole ? std::optional(all) : std::nullopt;
}

/// Does the flow break it too? A sentence.
std::string judge_script(const std::string& text, const std::string& invariant) {
    if (!text.starts_with("#")) return text;
    const auto script = flow::parse_script("shrunk", text);
    if (!script) return script.error().what;
    for (const flow::Cast& cast : flow::casts_of(*script))
        for (const std::string& failure : flow::play(*script, cast))
            return failure.find(invariant + " broken") != std::string::npos
                       ? "the flow breaks it as well"
                       : "the flow goes another way (" + failure + ")";
    return "the flow alone does not break it: the world's faults have a part in it";
}

/// 0: nothing breaks, 1: what breaks is in the file, 2: it cannot be written.
int shrink_seed(const Arguments& arguments) {
    const simulation::RunOptions options = options_of(arguments, *arguments.seed);
    const simulation::Verdict verdict = simulation::run_seed(options);
    if (verdict.broken.empty()) {
        std::printf("seed %llu breaks no invariant\n", number(*arguments.seed));
        return 0;
    }
    const simulation::Shrunk shrunk = simulation::shrink(
        options, verdict, [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
    std::string present;
    for (const std::string& name : shrunk.verdict.present) present += (present.empty() ? "" : ", ") + name;
    const simulation::Broken& broken = shrunk.verdict.broken.front();
    std::printf("%s broken: %s\nit takes %zu acts in %lld ms, with: %s\n", broken.invariant.c_str(),
                broken.what.c_str(), shrunk.verdict.acts.size(),
                static_cast<long long>(shrunk.options.bad_weather_ms),
                present.empty() ? "nothing" : present.c_str());
    const std::string script = simulation::flow_script(shrunk.verdict);
    std::ofstream file(arguments.shrink_to);
    file << script << std::flush;
    if (!file) {
        std::fprintf(stderr, "%s cannot be written\n", arguments.shrink_to.c_str());
        return 2;
    }
    std::printf("%s: %s\n", arguments.shrink_to.c_str(), judge_script(script, broken.invariant).c_str());
    return 1;
}

/// Of a switch with a fault put into it, say: what the lists of branches were written for may be missing
/// there.
int play_until_broken(const Arguments& arguments) {
    const Totals t = play(arguments, 0, 1);
    std::printf("%llu seeds, %llu turns, %llu invariants broken\n", number(t.campaign.seeds), number(t.turns),
                number(t.broken));
    return t.broken > 0 ? 1 : 0;
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
    if (arguments->until_broken) return play_until_broken(*arguments);
    const auto lists = simulation::read_branch_lists(source_path("tests/simulation"));
    if (!lists) {
        std::fprintf(stderr, "%s\n", lists.error().c_str());
        return 2;
    }
    if (!arguments->shrink_to.empty()) return shrink_seed(*arguments);
    const auto played = play_on_processes(*arguments);
    if (!played) {
        std::fputs("a process of the campaign did not come to its end\n", stderr);
        return 1;
    }
    const Totals& totals = *played;
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
