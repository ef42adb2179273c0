#include "bench/load.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "bench/limit.hpp"
#include "bench/load_ledger.hpp"
#include "bench/report.hpp"

namespace bench {

namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr double quick_warm_up_s = 2, quick_duration_s = 9;
constexpr double quick_rung_s = 2, rung_s = 4;

struct Address {
    std::string host;
    std::uint16_t port = 0;
};

Result<Address> parse_address(const std::string& text) {
    const auto colon = text.rfind(':');
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !iso8583::all_digits(port) || std::stoul(port) > 65'535)
        return parse_error("address: HOST:PORT is needed, as in 127.0.0.1:8583");
    return Address{text.substr(0, colon), static_cast<std::uint16_t>(std::stoul(port))};
}

struct FleetPlan {
    std::vector<LoadTerminal> terminals;
    std::vector<FleetConnection> connections;
};

/// Terminals of both profiles in turn, spread evenly over connections of their own profile.
Result<FleetPlan> plan_fleet(const LoadOptions& o, const LoadTargets& targets) {
    FleetPlan plan;
    const bool both = !targets.unionpay.empty() && !targets.iso.empty() && o.profile == "both";
    std::size_t slot = 0;
    for (const bool unionpay : {true, false}) {
        const std::string& target = unionpay ? targets.unionpay : targets.iso;
        if (target.empty() || o.profile == (unionpay ? "iso87-ascii" : "unionpay-pos")) continue;
        auto address = parse_address(target);
        if (!address) return tl::unexpected(address.error());
        const std::size_t terminals = std::max<std::size_t>(1, both ? o.terminals / 2 : o.terminals);
        if (terminals > terminals_per_profile_max)
            return parse_error(
                fmt::format("--terminals: at most {} of a profile are there", terminals_per_profile_max));
        const std::size_t connections =
            std::clamp<std::size_t>(both ? o.connections / 2 : o.connections, 1, terminals);
        const std::size_t first = plan.connections.size();
        for (std::size_t c = 0; c < connections; ++c) {
            FleetConnection connection;
            connection.host = address->host;
            connection.port = address->port;
            connection.framing.tpdu = unionpay;
            connection.framing.header_bytes = unionpay ? 6 : 0;
            plan.connections.push_back(std::move(connection));
        }
        for (std::size_t t = 0; t < terminals; ++t, ++slot) {
            const std::size_t connection = first + t % connections;
            plan.connections[connection].slots.push_back(slot);
            plan.terminals.push_back(
                {unionpay ? peers::TerminalProfile::unionpay_pos : peers::TerminalProfile::iso87_ascii,
                 fmt::format("{}", (unionpay ? 10'000'001U : 20'000'001U) + t), connection});
        }
    }
    if (plan.connections.empty()) return parse_error("no address of a terminal listener is given");
    return plan;
}

/// What came after the first `skipped` lines, which are of earlier runs.
std::vector<JournalEntry> read_journal(const std::string& file, std::size_t skipped = 0) {
    std::vector<JournalEntry> entries;
    std::ifstream in(file);
    JournalEntry entry;
    std::size_t lines = 0;
    for (std::string line; std::getline(in, line);)
        if (parse_journal_line(line, entry) && ++lines > skipped) entries.push_back(entry);
    return entries;
}

std::string in_words(const BookTotals& t) {
    return fmt::format("sales {}, refunds {}, voids {}, reversals {}, net {}.{:02}", t.sale_count,
                       t.refund_count, t.void_count, t.reversal_count, t.net() / 100,
                       std::abs(t.net() % 100));
}

/// Compares until they agree or the queue had its time to drain.
void compare_journals(const LoadBooks& books, const LoadTargets& targets,
                      const std::vector<std::size_t>& lines_before, Report& report) {
    if (targets.journals.size() != issuers) {
        report.findings.push_back("issuers' journals: not compared, none were named");
        return;
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(drain_wait_s);
    for (std::size_t issuer = 0; issuer < issuers; ++issuer) {
        LoadBooks::Comparison comparison;
        for (;;) {
            comparison = books.compare(issuer, read_journal(targets.journals[issuer], lines_before[issuer]));
            if (comparison.agrees() || std::chrono::steady_clock::now() >= until) break;
            ::poll(nullptr, 0, 500);  // refund advices and reversals are still on their way
        }
        const bool totals_agree = comparison.journal == books.expected_of_issuer(issuer);
        const std::string name = issuer == 0 ? "issuer-a" : "issuer-b";
        if (comparison.agrees())
            report.findings.push_back(fmt::format(
                "{}: its journal agrees on {} RRNs; {}{}", name, comparison.compared,
                in_words(comparison.journal),
                totals_agree ? ""
                             : " (terminals know of " + in_words(books.expected_of_issuer(issuer)) + ")"));
        else
            report.findings.push_back(
                fmt::format("{}: {} of {} RRNs differ", name, comparison.differences, comparison.compared));
        for (const std::string& difference : comparison.first_differences)
            report.findings.push_back("  " + difference);
        report.passed = report.passed && comparison.agrees();
    }
}

void compare_with_ledger(const LoadPlayer& player, const LoadTargets& targets,
                         const iso8583::Result<LedgerTotals>& before, Report& report) {
    if (!before) {
        report.findings.push_back("switch's ledger: not compared, " + before.error().what);
        return;
    }
    std::vector<std::string> differences;
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(drain_wait_s);
    for (;;) {
        const auto after = ask_ledger(targets.control);
        differences = after ? compare_ledger(player.books(), player.terminal_totals(), *before, *after)
                            : std::vector<std::string>{after.error().what};
        if (differences.empty() || std::chrono::steady_clock::now() >= until) break;
        ::poll(nullptr, 0, 500);  // its queue is still draining
    }
    report.passed = report.passed && differences.empty();
    report.findings.push_back(
        differences.empty()
            ? fmt::format("switch's ledger: both routes and {} terminals agree, nothing in transit",
                          player.terminal_totals().size())
            : "switch's ledger differs:");
    for (const std::string& difference : differences) report.findings.push_back("  " + difference);
}

void add_findings(const LoadPlayer& player, const FleetResult& fleet, Report& report) {
    std::string busy;
    for (const auto& [code, count] : player.busy()) busy += fmt::format(", {} with {}", count, code);
    report.findings.push_back(fmt::format("{} answers judged (MAC, echoed fields, DE39): {} breaches{}",
                                          player.answered(), player.breaches(),
                                          busy.empty() ? "" : "; refused under load" + busy));
    for (const std::string& breach : player.first_breaches()) report.findings.push_back("  " + breach);
    report.passed = player.breaches() == 0 && fleet.broken_connections == 0 && fleet.stray_answers == 0;
}

int complain(const std::string& what, int code) {
    std::fprintf(stderr, "switch-bench load: %s\n", what.c_str());
    return code;
}

/// Every terminal once; what went wrong, in words.
iso8583::Result<void> sign_on(Fleet& fleet, LoadPlayer& player, std::size_t terminals) {
    player.set_signing_on(true);
    FleetOptions options;
    options.warm_up_s = 0;
    options.duration_s = 30;
    options.requests_per_slot_max = 1;
    fleet.run(player, options);
    player.set_signing_on(false);
    const std::size_t ready = player.terminals_with_keys();
    if (ready == terminals && player.breaches() == 0) return {};
    std::string what = fmt::format("{} of {} terminals have signed on", ready, terminals);
    for (const std::string& breach : player.first_breaches()) what += "\n  " + breach;
    return parse_error(what);
}

void add_figures(const FleetResult& fleet, Report& report) {
    const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
    report.figures = {{"load.per_second", fleet.per_second()},
                      {"load.p50_us", us(fleet.latency.percentile_ns(0.5))},
                      {"load.p99_us", us(fleet.latency.percentile_ns(0.99))},
                      {"load.p99_9_us", us(fleet.latency.percentile_ns(0.999))}};
}

/// Processor time over warm-up, measurement and settling, per answer.
void add_cpu_figures(const LoadStack::Cpu& before, const LoadStack::Cpu& after, double own_s,
                     std::uint64_t answers, Report& report) {
    const double n = static_cast<double>(std::max<std::uint64_t>(1, answers));
    if (after.refund_switch > 0) {
        report.figures.emplace_back("cpu.switch.us_per_request",
                                    (after.refund_switch - before.refund_switch) * 1e6 / n);
        report.figures.emplace_back("cpu.issuers.us_per_request", (after.issuers - before.issuers) * 1e6 / n);
    }
    report.figures.emplace_back("cpu.bench.us_per_request", own_s * 1e6 / n);
}

/// What was played: terminals of all profiles, and the connections they share.
struct Shape {
    std::size_t terminals = 0, connections = 0;
};

/// What the terminals do: the whole mix, or refunds with as many sales as they need (a sale is refunded in
/// about six parts).
LoadMix mix_of(const LoadOptions& o) {
    LoadMix mix = o.mix;
    if (o.play == "refunds") mix.weight = {14, 0, 86, 0, 0, 0, 0, 0};
    if (o.issuer != "both") mix.issuer_a_percent = o.issuer == "a" ? 100 : 0;
    return mix;
}

/// Plays, judges and compares; the error is why there is nothing to report.
iso8583::Result<Shape> play(const LoadOptions& o, const LoadTargets& targets, std::uint64_t rate,
                            const LoadStack& stack, Report& report) {
    auto plan = plan_fleet(o, targets);
    if (!plan) return tl::unexpected(plan.error());
    const Shape shape{plan->terminals.size(), plan->connections.size()};
    LoadPlayer player(plan->terminals, mix_of(o), o.seed);
    Fleet fleet(std::move(plan->connections));
    if (auto connected = fleet.connect(); !connected) return tl::unexpected(connected.error());
    if (auto signed_on = sign_on(fleet, player, shape.terminals); !signed_on)
        return tl::unexpected(signed_on.error());

    const auto ledger_before = ask_ledger(targets.control);
    std::vector<std::size_t> journal_lines_before;
    for (const std::string& journal : targets.journals)
        journal_lines_before.push_back(read_journal(journal).size());
    const LoadStack::Cpu cpu_before = stack.cpu();
    const double own_cpu_before = cpu_seconds(::getpid());
    const std::uint64_t answered_before = player.answered();
    FleetOptions options;
    options.rate = rate;
    options.warm_up_s = o.quick ? quick_warm_up_s : o.warm_up_s;
    options.duration_s = o.quick ? quick_duration_s : o.duration_s;
    options.progress = [](const Progress& p) { show_progress("load", p); };
    Measured run{"load", fleet.run(player, options), {}};
    end_progress();
    player.give_up_unanswered();
    for (std::size_t s = 0; s < steps_count; ++s) run.kinds.emplace_back(name(static_cast<Step>(s)), s);

    report.facts.emplace_back("terminals",
                              fmt::format("{} over {} connections", shape.terminals, shape.connections));
    report.facts.emplace_back(
        "rate", rate == 0 ? "max (closed loop)" : fmt::format("{} requests a second (open loop)", rate));
    report.facts.emplace_back("seed", std::to_string(o.seed));
    report.facts.emplace_back("played", o.play + ", profile " + o.profile + ", issuer " + o.issuer);
    add_figures(run.fleet, report);
    add_cpu_figures(cpu_before, stack.cpu(), cpu_seconds(::getpid()) - own_cpu_before,
                    player.answered() - answered_before, report);
    add_findings(player, run.fleet, report);
    report.runs.push_back(std::move(run));
    compare_journals(player.books(), targets, journal_lines_before, report);
    compare_with_ledger(player, targets, ledger_before, report);
    return shape;
}

/// The rungs of `limit` in the shape of the run, so that its throughput is also a ratio
/// (docs/performance.md).
void add_rungs(const LoadOptions& o, const Shape& shape, const std::string& directory, Report& report) {
    const double reached = report.runs.front().fleet.per_second();
    for (const Relay relay : {Relay::bare, Relay::with_records}) {
        RelayRun run;
        run.relay = relay;
        run.connections = shape.connections;
        run.per_connection = std::max<std::size_t>(1, shape.terminals / shape.connections);
        run.duration_s = o.quick ? quick_rung_s : rung_s;
        if (relay == Relay::with_records) run.directory = directory;
        auto measured = run_relay(run);
        if (!measured) {
            report.findings.push_back("limit: not measured, " + measured.error().what);
            return;
        }
        const std::string rung = relay == Relay::bare ? "relay" : "relay_records";
        report.figures.emplace_back(rung + ".per_second", measured->fleet.per_second());
        report.figures.emplace_back("ratio.load." + rung,
                                    reached / std::max(1.0, measured->fleet.per_second()));
        report.runs.push_back(std::move(*measured));
    }
}

int finish(const LoadOptions& o, const Report& report) {
    const bool written = write_reports(report, o.json_file, o.html_file);
    std::fputs(to_table(report).c_str(), stdout);
    return report.passed && written ? 0 : 1;
}

}  // namespace

int run_load(const LoadOptions& o) {
    std::uint64_t rate = 0;
    if (o.rate != "max") {
        if (o.rate.empty() || o.rate.size() > 8 || !iso8583::all_digits(o.rate) || std::stoull(o.rate) == 0)
            return complain("--rate: requests a second, or max", 2);
        rate = std::stoull(o.rate);
    }
    Report report;
    report.title = "switch-bench load";
    report.facts = machine_facts();
    LoadStack stack;
    if (!o.targets.unionpay.empty() || !o.targets.iso.empty()) {
        const auto played = play(o, o.targets, rate, stack, report);
        return played ? finish(o, report) : complain(played.error().what, 1);
    }
    StackOptions options;
    options.programs = o.programs.empty() ? own_directory() : o.programs;
    options.config = o.config.empty() ? find_config_directory(options.programs) : o.config;
    // Beside the programs, which are on a disk that syncs; a temporary directory may be memory.
    options.directory =
        o.directory.empty() ? fmt::format("{}/../bench-run-{}", options.programs, ::getpid()) : o.directory;
    options.keep = o.keep;
    if (o.issuer_latency_ms > 0) options.issuer_flags = {"--latency-ms", std::to_string(o.issuer_latency_ms)};
    if (auto started = stack.start(options); !started) return complain(started.error().what, 1);
    const auto played = play(o, stack.targets(), rate, stack, report);
    if (const std::string wrong = stack.stop(); !wrong.empty()) {
        report.findings.push_back(wrong);
        report.passed = false;
    }
    if (o.keep) std::fprintf(stderr, "kept: %s\n", options.directory.c_str());
    if (!played) return complain(played.error().what, 1);
    if (o.with_limit || o.quick) add_rungs(o, *played, options.directory + "/limit", report);
    return finish(o, report);
}

}  // namespace bench
