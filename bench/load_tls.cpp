// switch-bench load --with-tls: what TLS costs the switch, as its processor time a request with it over the
// same without. Two stacks stand; rounds take turns, so that whatever else the machine does meets both.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "bench/bound.hpp"
#include "bench/load.hpp"
#include "bench/load_session.hpp"

namespace bench {

namespace {

constexpr std::uint32_t rounds_usual = 5;

double median_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// A stack and the terminals on it.
struct Side {
    std::string name;
    LoadStack stack;
    std::unique_ptr<LoadSession> session;
    std::vector<double> switch_us, per_second;

    iso8583::Result<void> start(LoadOptions o, bool tls) {
        o.directory = run_directory(o) + (tls ? "-tls" : "-clear");
        StackOptions options;
        options.tls = tls;
        const auto targets = start_stack(o, stack, options);
        if (!targets) return tl::unexpected(targets.error());
        auto started = LoadSession::start(o, *targets, stack);
        if (!started) return tl::unexpected(started.error());
        session = std::move(*started);
        return {};
    }
    void play(const LoadOptions& o, std::uint64_t rate, std::uint32_t round, Report& report) {
        LoadSession::Played played =
            session->play(fmt::format("{}, round {}", name, round), rate, o.warm_up_s, o.duration_s);
        switch_us.push_back(played.switch_us.value_or(0));
        per_second.push_back(played.measured.fleet.per_second());
        report.runs.push_back(std::move(played.measured));
    }
};

}  // namespace

int run_load_with_tls(LoadOptions o) {
    const auto wrong = [](const std::string& what) { return complain("load", what, 2); };
    const auto rate = parse_rate(o.rate);
    if (!rate) return wrong(rate.error().what);
    if (!o.targets.unionpay.empty() || !o.targets.iso.empty() || o.with_limit || o.quick ||
        !o.find_max.empty())
        return wrong(
            "--with-tls plays stacks of its own: no addresses, --with-limit, --quick or --find-max beside "
            "it");
    if (auto ready = read_mix_of(o); !ready) return wrong(ready.error().what);
    const auto bounds = parse_bounds(o.fail_if);
    if (!bounds) return wrong(bounds.error().what);
    Report report;
    report.title = "switch-bench load --with-tls";
    report.facts = machine_facts();
    Side clear{"in clear", {}, {}, {}, {}}, tls{"with TLS", {}, {}, {}, {}};
    if (auto started = clear.start(o, false); !started) return complain("load", started.error().what, 1);
    if (auto started = tls.start(o, true); !started) return complain("load", started.error().what, 1);
    tls.session->describe(report);
    const std::uint32_t rounds = o.rounds > 0 ? o.rounds : rounds_usual;
    report.facts.emplace_back("rounds", fmt::format("{} of each in turn, figures are their medians", rounds));
    std::vector<double> ratios;
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        clear.play(o, *rate, round, report);
        tls.play(o, *rate, round, report);
        ratios.push_back(tls.switch_us.back() / std::max(1e-9, clear.switch_us.back()));
    }
    report.figures = {{"clear.switch.us_per_request", median_of(clear.switch_us)},
                      {"tls.switch.us_per_request", median_of(tls.switch_us)},
                      {"ratio.tls.switch_cpu", median_of(ratios)},
                      {"ratio.tls.switch_cpu.lowest", *std::min_element(ratios.begin(), ratios.end())},
                      {"ratio.tls.switch_cpu.highest", *std::max_element(ratios.begin(), ratios.end())},
                      {"clear.per_second", median_of(clear.per_second)},
                      {"tls.per_second", median_of(tls.per_second)}};
    for (Side* side : {&clear, &tls}) {
        side->session->close_books(report);
        side->session.reset();
        stop_stack(side->stack, report);
    }
    judge(*bounds, report);
    return finish(o, report);
}

}  // namespace bench
