#include "tests/simulation/shrink.hpp"

#include <algorithm>

namespace simulation {
namespace {

constexpr int rounds_max = 3;
constexpr std::int64_t after_the_breach_ms = 1'000;

class Shrinker {
  public:
    Shrinker(const RunOptions& options, const Verdict& verdict,
             const std::function<void(const std::string&)>& progress)
        : shrunk_{options, verdict, 0}, invariant_(verdict.broken.front().invariant), progress_(progress) {
        shrunk_.options.trace = {};
    }

    Shrunk run() {
        for (int round = 0; round < rounds_max; ++round) {
            const std::uint64_t before = size();
            shorten();
            take_conditions();
            leave_out_acts();
            progress_(std::to_string(shrunk_.runs) + " runs: " + std::to_string(shrunk_.verdict.acts.size()) +
                      " acts, " + std::to_string(shrunk_.verdict.present.size()) + " conditions, " +
                      std::to_string(shrunk_.options.bad_weather_ms) + " ms");
            if (size() == before) break;
        }
        return shrunk_;
    }

  private:
    [[nodiscard]] std::uint64_t size() const {
        return shrunk_.verdict.acts.size() + shrunk_.verdict.present.size() +
               static_cast<std::uint64_t>(shrunk_.options.bad_weather_ms);
    }
    /// Kept when the same invariant breaks.
    bool try_out(const RunOptions& options) {
        ++shrunk_.runs;
        Verdict verdict = run_seed(options);
        const bool breaks = std::any_of(verdict.broken.begin(), verdict.broken.end(),
                                        [this](const Broken& b) { return b.invariant == invariant_; });
        if (!breaks) return false;
        shrunk_.options = options;
        shrunk_.verdict = std::move(verdict);
        return true;
    }
    void shorten() {
        RunOptions options = shrunk_.options;
        constexpr std::int64_t begins_ms = 1'000'000;
        options.bad_weather_ms = std::min(
            options.bad_weather_ms, shrunk_.verdict.broken.front().at.ms - begins_ms + after_the_breach_ms);
        if (options.bad_weather_ms < shrunk_.options.bad_weather_ms) try_out(options);
        for (std::int64_t step = shrunk_.options.bad_weather_ms / 2; step >= after_the_breach_ms; step /= 2) {
            options = shrunk_.options;
            options.bad_weather_ms -= step;
            if (options.bad_weather_ms > 0) try_out(options);
        }
    }
    /// All of a half at once, then of its halves.
    template <typename T>
    void take(const std::vector<T>& all, const std::function<void(RunOptions&, const T&)>& without) {
        for (std::size_t piece = std::max<std::size_t>(all.size() / 2, 1);; piece /= 2) {
            for (std::size_t from = 0; from < all.size(); from += piece) {
                RunOptions options = shrunk_.options;
                for (std::size_t i = from; i < std::min(from + piece, all.size()); ++i)
                    without(options, all[i]);
                const bool something_new = options.without != shrunk_.options.without ||
                                           options.left_out != shrunk_.options.left_out;
                if (something_new) try_out(options);
            }
            if (piece == 1) return;
        }
    }
    void take_conditions() {
        const std::vector<std::string> all(shrunk_.verdict.present.begin(), shrunk_.verdict.present.end());
        take<std::string>(all, [](RunOptions& o, const std::string& name) { o.without.insert(name); });
    }
    void leave_out_acts() {
        std::vector<ActId> all;
        for (const Story::Act& act : shrunk_.verdict.acts)
            if (all.empty() || all.back() != act.id) all.push_back(act.id);
        take<ActId>(all, [](RunOptions& o, const ActId& id) { o.left_out.insert(id); });
    }

    Shrunk shrunk_;
    std::string invariant_;
    const std::function<void(const std::string&)>& progress_;
};

/// The profile of a cashier's terminals: the first digit of their numbers.
std::string profile_of(const std::string& actor) {
    if (!actor.starts_with("cashier ")) return {};
    const char digit = actor[std::string("cashier ").size()];
    return digit == '2' || digit == '6' ? "iso87" : "unionpay";
}

}  // namespace

Shrunk shrink(const RunOptions& options, const Verdict& verdict,
              const std::function<void(const std::string&)>& progress) {
    return Shrinker(options, verdict, progress).run();
}

std::string flow_script(const Verdict& verdict) {
    std::set<std::string> profiles, issuers;
    for (const Story::Act& act : verdict.acts) {
        if (const std::string profile = profile_of(act.id.first); !profile.empty()) profiles.insert(profile);
        if (act.id.first.starts_with("issuer-")) issuers.insert(act.id.first);
    }
    if (profiles.size() > 1) return "no flow: terminals of both profiles have a part in it";
    if (issuers.size() > 1) return "no flow: both issuers have a part in it";
    std::string out = "# Seed " + std::to_string(verdict.seed) + ": " + verdict.broken.front().invariant +
                      ", " + verdict.broken.front().what + "\nrules " + verdict.broken.front().invariant +
                      "\ngiven profile=" + (profiles.empty() ? "unionpay" : *profiles.begin()) +
                      " route=" + (issuers.contains("issuer-b") ? "b" : "a") + "\n";
    std::int64_t now_ms = 1'000'000;
    for (const Story::Act& act : verdict.acts) {
        if (act.line.empty()) {
            out += "# " + act.id.first + " does what no flow can say\n";
            continue;
        }
        if (act.at.ms > now_ms) out += "pass " + std::to_string(act.at.ms - now_ms) + "ms\n";
        now_ms = std::max(now_ms, act.at.ms);
        out += act.line + "\n";
    }
    return out;
}

}  // namespace simulation
