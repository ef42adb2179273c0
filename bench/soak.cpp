#include "bench/soak.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/bound.hpp"
#include "bench/load_session.hpp"
#include "bench/process_watch.hpp"
#include "routing/issuer_sim/issuer_books.hpp"

namespace bench {

namespace {

constexpr double kib_per_mib = 1'024;

/// One look a second at the switch's process.
struct Samples {
    std::vector<double> resident_mib, descriptors;
    void take(pid_t pid) {
        resident_mib.push_back(static_cast<double>(resident_kib(pid)) / kib_per_mib);
        descriptors.push_back(static_cast<double>(open_descriptors(pid)));
    }
};

void add_figures(const SoakOptions& o, const FleetResult& fleet, const Samples& samples, Report& report) {
    const std::uint64_t stall_ns = std::uint64_t{o.stall_ms} * 1'000'000;
    const auto stalls = std::count_if(fleet.seconds.begin(), fleet.seconds.end(),
                                      [&](const FleetSecond& s) { return s.max_ns > stall_ns; });
    const auto silent = std::count_if(fleet.seconds.begin(), fleet.seconds.end(),
                                      [](const FleetSecond& s) { return s.done == 0; });
    report.figures.insert(report.figures.end(),
                          {{"soak.stalls", static_cast<double>(stalls)},
                           {"soak.seconds_without_an_answer", static_cast<double>(silent)},
                           {"soak.longest_ms", static_cast<double>(fleet.latency.max_ns()) / 1e6}});
    if (samples.resident_mib.empty()) return;
    // Caches fill in the first half.
    const auto half =
        samples.resident_mib.begin() + static_cast<std::ptrdiff_t>(samples.resident_mib.size() / 2);
    report.figures.insert(report.figures.end(),
                          {{"soak.resident_mib.half", *half},
                           {"soak.resident_mib.end", samples.resident_mib.back()},
                           {"soak.growth_mib_per_minute", slope({half, samples.resident_mib.end()}) * 60},
                           {"soak.descriptors.begin", samples.descriptors.front()},
                           {"soak.descriptors.end", samples.descriptors.back()}});
    std::vector<std::string> at;
    for (std::size_t i = 0; i < samples.resident_mib.size(); ++i) at.push_back(fmt::format("{} s", i + 1));
    report.curves.push_back(
        {"resident memory of the switch", at, "MiB", {{"resident", samples.resident_mib}}});
    report.curves.push_back({"open descriptors of the switch", at, "", {{"open", samples.descriptors}}});
}

/// More than the issuers of our own stack have room for; empty: it is not.
std::string why_too_long(const SoakOptions& o, std::uint64_t rate, const LoadStack& stack) {
    constexpr double seconds_a_minute = 60;
    const double issuers = o.load.issuer == "both" ? 2 : 1;
    const auto room = issuers * static_cast<double>(routing::IssuerBooks::entries_max);
    if (stack.switch_pid() <= 0 || static_cast<double>(rate) * o.minutes * seconds_a_minute <= room)
        return {};
    return fmt::format(
        "{} requests a second for {} minutes are more than the {:.0f} that issuer-sim books: a "
        "lower --rate, fewer --minutes{}",
        rate, o.minutes, room, issuers == 1 ? " or --issuer both" : "");
}

}  // namespace

double slope(const std::vector<double>& samples) {
    const auto n = static_cast<double>(samples.size());
    if (samples.size() < 2) return 0;
    double sum_y = 0, sum_xy = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        sum_y += samples[i];
        sum_xy += samples[i] * static_cast<double>(i);
    }
    const double sum_x = n * (n - 1) / 2, sum_xx = n * (n - 1) * (2 * n - 1) / 6;
    return (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);
}

int run_soak(const SoakOptions& given) {
    SoakOptions o = given;
    const auto wrong = [](const std::string& what) { return complain("soak", what, 2); };
    auto rate = parse_rate(o.load.rate);
    if (!rate) return wrong(rate.error().what);
    if (auto ready = read_mix_of(o.load); !ready) return wrong(ready.error().what);
    const auto bounds = parse_bounds(o.load.fail_if);
    if (!bounds) return wrong(bounds.error().what);
    Report report;
    report.title = "switch-bench soak";
    report.facts = machine_facts();
    LoadStack stack;
    const auto targets = start_stack(o.load, stack);
    if (!targets) return complain("soak", targets.error().what, 1);
    auto session = LoadSession::start(o.load, *targets, stack);
    if (!session) return complain("soak", session.error().what, 1);
    (*session)->describe(report);
    if (*rate == 0) {
        const double possible =
            (*session)->play("closed loop", 0, o.load.warm_up_s, soak_probe_s).measured.fleet.per_second();
        report.figures.emplace_back("soak.possible_per_second", possible);
        *rate = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(possible * o.share_percent / 100));
    }
    if (const std::string why = why_too_long(o, *rate, stack); !why.empty()) return wrong(why);
    report.facts.emplace_back(
        "rate", fmt::format("{} requests a second (open loop) for {} minutes", *rate, o.minutes));
    Samples samples;
    const pid_t watched = stack.switch_pid();
    auto played = (*session)->play("soak", *rate, o.load.warm_up_s, o.minutes * 60, [&](const Progress&) {
        if (watched > 0) samples.take(watched);
    });
    add_load_figures(played, report);
    add_figures(o, played.measured.fleet, samples, report);
    report.runs.push_back(std::move(played.measured));
    (*session)->close_books(report);
    session->reset();
    stop_stack(stack, report);
    judge(*bounds, report);
    return finish(o.load, report);
}

}  // namespace bench
