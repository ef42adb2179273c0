#include "bench/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "bench/bound.hpp"
#include "bench/find_max.hpp"
#include "bench/limit.hpp"
#include "bench/load_session.hpp"

namespace bench {

namespace {

using iso8583::Result;

constexpr double quick_warm_up_s = 2, quick_duration_s = 9;
constexpr double quick_rung_s = 2, rung_s = 4;
constexpr double find_max_warm_up_s = 1;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// (highest − lowest) / median.
double spread(const std::vector<double>& values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double middle = median(values);
    return middle > 0 ? (*high - *low) / middle : 0;
}

/// One figure of all rounds.
struct Rounds {
    std::string name;
    std::vector<double> values;
};

void keep(std::vector<Rounds>& all, const std::string& name, double value) {
    for (Rounds& r : all)
        if (r.name == name) {
            r.values.push_back(value);
            return;
        }
    all.push_back({name, {value}});
}

/// The rungs of `limit` in the shape of the run, so that its throughput is also a ratio
/// (docs/performance.md).
Result<void> play_rungs(const LoadOptions& o, const LoadSession& session, double reached,
                        const std::string& round, std::vector<Rounds>& rounds, Report& report) {
    for (const Relay relay : {Relay::bare, Relay::with_records}) {
        RelayRun run;
        run.relay = relay;
        run.connections = session.connections();
        run.per_connection = std::max<std::size_t>(1, session.terminals() / session.connections());
        run.duration_s = o.quick ? quick_rung_s : rung_s;
        if (relay == Relay::with_records) run.directory = run_directory(o) + "/limit";
        auto measured = run_relay(run);
        if (!measured) return tl::unexpected(measured.error());
        const std::string rung = relay == Relay::bare ? "relay" : "relay_records";
        keep(rounds, rung + ".per_second", measured->fleet.per_second());
        keep(rounds, "ratio.load." + rung, reached / std::max(1.0, measured->fleet.per_second()));
        measured->name += round;
        report.runs.push_back(std::move(*measured));
    }
    return {};
}

/// Load and rungs take turns, so that whatever else the machine does meets both. Figures are medians.
void play_rounds(const LoadOptions& o, std::uint64_t rate, LoadSession& session, Report& report) {
    const bool with_limit = o.with_limit || o.quick;
    const std::uint32_t count = o.rounds > 0 ? o.rounds : with_limit && !o.quick ? rounds_with_limit : 1;
    const double warm_up = o.quick ? quick_warm_up_s : o.warm_up_s;
    const double duration = o.quick ? quick_duration_s : o.duration_s;
    std::vector<Rounds> rounds;
    for (std::uint32_t i = 1; i <= count; ++i) {
        const std::string round = count == 1 ? "" : fmt::format(", round {}", i);
        LoadSession::Played played = session.play("load" + round, rate, warm_up, duration);
        Report own;
        add_load_figures(played, own);
        for (const auto& [name, value] : own.figures) keep(rounds, name, value);
        const double reached = played.measured.fleet.per_second();
        report.runs.push_back(std::move(played.measured));
        if (!with_limit) continue;
        if (auto measured = play_rungs(o, session, reached, round, rounds, report); !measured) {
            report.findings.push_back("limit: not measured, " + measured.error().what);
            report.passed = false;
        }
    }
    for (const Rounds& r : rounds) report.figures.emplace_back(r.name, median(r.values));
    if (count == 1) return;
    report.facts.emplace_back("rounds", fmt::format("{}, figures are their medians", count));
    for (const Rounds& r : rounds) report.figures.emplace_back(r.name + ".spread", spread(r.values));
}

void search_max(const Bound& kept, const LoadOptions& o, LoadSession& session, Report& report) {
    std::vector<Measured> runs;
    const auto tried = find_max(kept, [&](std::uint64_t rate) {
        const std::string name = rate == 0 ? "load, closed loop" : fmt::format("load, {} a second", rate);
        runs.push_back(session.play(name, rate, find_max_warm_up_s, o.duration_s).measured);
        return runs.back().fleet;
    });
    Sheet sheet{"Rates that were tried", {"rate", "answers a second", kept.measure + " ms", "kept"}, {}};
    for (const Tried& t : tried)
        sheet.rows.push_back({t.rate == 0 ? "closed loop" : std::to_string(t.rate),
                              fmt::format("{:.0f}", t.per_second), fmt::format("{:.3f}", t.latency_ns / 1e6),
                              t.kept ? "yes" : "no"});
    report.sheets.push_back(std::move(sheet));
    const std::uint64_t highest = highest_kept(tried);
    report.figures.emplace_back("find_max.per_second", static_cast<double>(highest));
    if (highest == 0) {
        report.findings.push_back("--find-max " + kept.text + ": not kept at any rate that was tried");
        report.passed = false;
    }
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (highest == 0 || tried[i].rate == highest) report.runs.push_back(std::move(runs[i]));
}

}  // namespace

int run_load(const LoadOptions& given) {
    if (given.with_tls) return run_load_with_tls(given);
    LoadOptions o = given;
    const auto wrong = [](const std::string& what) { return complain("load", what, 2); };
    const auto rate = parse_rate(o.rate);
    if (!rate) return wrong(rate.error().what);
    if (auto ready = read_mix_of(o); !ready) return wrong(ready.error().what);
    const auto bounds = parse_bounds(o.fail_if);
    if (!bounds) return wrong(bounds.error().what);
    Bound kept;
    if (!o.find_max.empty()) {
        auto bound = parse_kept_latency(o.find_max);
        if (!bound) return wrong("--find-max: " + bound.error().what);
        if (*rate != 0 || o.with_limit || o.quick || o.rounds > 0)
            return wrong(
                "--find-max chooses the rates itself: no --rate, --with-limit, --quick or --rounds beside "
                "it");
        kept = *bound;
    }
    if (o.shards != 1 && !(o.targets.unionpay.empty() && o.targets.iso.empty()))
        return wrong("--shards is of a stack of our own: no addresses beside it");
    Report report;
    report.title = "switch-bench load";
    report.facts = machine_facts();
    LoadStack stack;
    const auto targets = start_stack(o, stack);
    if (!targets) return complain("load", targets.error().what, 1);
    auto session = LoadSession::start(o, *targets, stack);
    if (!session) return complain("load", session.error().what, 1);
    (*session)->describe(report);
    if (o.shards != 1) report.facts.emplace_back("shards", std::to_string(o.shards));
    report.facts.emplace_back("rate", !o.find_max.empty() ? "searched: " + o.find_max
                                      : *rate == 0        ? "max (closed loop)"
                                                   : fmt::format("{} requests a second (open loop)", *rate));
    if (o.find_max.empty())
        play_rounds(o, *rate, **session, report);
    else
        search_max(kept, o, **session, report);
    (*session)->close_books(report);
    session->reset();
    stop_stack(stack, report);
    judge(*bounds, report);
    return finish(o, report);
}

}  // namespace bench
