#include "bench/load.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "bench/load_ledger.hpp"
#include "bench/report.hpp"

namespace bench {

namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr double quick_warm_up_s = 3, quick_duration_s = 12;

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
    const bool both = !targets.unionpay.empty() && !targets.iso.empty();
    std::size_t slot = 0;
    for (const bool unionpay : {true, false}) {
        const std::string& target = unionpay ? targets.unionpay : targets.iso;
        if (target.empty()) continue;
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

std::vector<JournalEntry> read_journal(const std::string& file) {
    std::vector<JournalEntry> entries;
    std::ifstream in(file);
    JournalEntry entry;
    for (std::string line; std::getline(in, line);)
        if (parse_journal_line(line, entry)) entries.push_back(entry);
    return entries;
}

std::string in_words(const BookTotals& t) {
    return fmt::format("sales {}, refunds {}, voids {}, reversals {}, net {}.{:02}", t.sale_count,
                       t.refund_count, t.void_count, t.reversal_count, t.net() / 100,
                       std::abs(t.net() % 100));
}

/// Compares until they agree or the queue had its time to drain.
void compare_journals(const LoadBooks& books, const LoadTargets& targets, Report& report) {
    if (targets.journals.size() != issuers) {
        report.findings.push_back("issuers' journals: not compared, none were named");
        return;
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(drain_wait_s);
    for (std::size_t issuer = 0; issuer < issuers; ++issuer) {
        LoadBooks::Comparison comparison;
        for (;;) {
            comparison = books.compare(issuer, read_journal(targets.journals[issuer]));
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

void compare_ledger(const LoadBooks& books, const LoadTargets& targets, Report& report) {
    const LedgerAnswer answer = ask_ledger(targets.control);
    if (!answer.asked) {
        report.findings.push_back("switch's ledger: not compared, " + answer.why);
        return;
    }
    BookTotals ours;
    for (std::size_t issuer = 0; issuer < issuers; ++issuer) {
        const BookTotals& t = books.totals(issuer);
        ours.sale_count += t.sale_count;
        ours.sale_amount += t.sale_amount;
        ours.refund_count += t.refund_count;
        ours.refund_amount += t.refund_amount;
        ours.void_count += t.void_count;
        ours.void_amount += t.void_amount;
        ours.reversal_count += t.reversal_count;
        ours.reversal_amount += t.reversal_amount;
    }
    const bool agrees = ours == answer.totals;
    report.passed = report.passed && agrees;
    report.findings.push_back(agrees ? "switch's ledger agrees: " + in_words(ours)
                                     : "switch's ledger differs: it has " + in_words(answer.totals) +
                                           ", terminals were told " + in_words(ours));
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

int play(const LoadOptions& o, const LoadTargets& targets, std::uint64_t rate, const LoadStack& stack) {
    auto plan = plan_fleet(o, targets);
    if (!plan) return complain(plan.error().what, 2);
    LoadPlayer player(plan->terminals, o.mix, o.seed);
    Fleet fleet(plan->connections);
    if (auto connected = fleet.connect(); !connected) return complain(connected.error().what, 1);

    player.set_signing_on(true);
    FleetOptions sign_on;
    sign_on.warm_up_s = 0;
    sign_on.duration_s = 30;
    sign_on.requests_per_slot_max = 1;
    fleet.run(player, sign_on);
    player.set_signing_on(false);
    if (player.terminals_with_keys() != plan->terminals.size()) {
        for (const std::string& breach : player.first_breaches()) complain(breach, 1);
        return complain(fmt::format("{} of {} terminals have signed on", player.terminals_with_keys(),
                                    plan->terminals.size()),
                        1);
    }

    FleetOptions options;
    options.rate = rate;
    options.warm_up_s = o.quick ? quick_warm_up_s : o.warm_up_s;
    options.duration_s = o.quick ? quick_duration_s : o.duration_s;
    options.progress = [](const Progress& p) { show_progress("load", p); };
    const LoadStack::Cpu cpu_before = stack.cpu();
    const double own_cpu_before = cpu_seconds(::getpid());
    Report report;
    report.title = "switch-bench load";
    report.facts = machine_facts();
    report.facts.emplace_back(
        "terminals", fmt::format("{} over {} connections", plan->terminals.size(), plan->connections.size()));
    report.facts.emplace_back(
        "rate", rate == 0 ? "max (closed loop)" : fmt::format("{} requests a second (open loop)", rate));
    report.facts.emplace_back("seed", std::to_string(o.seed));
    Measured run{"load", fleet.run(player, options), {}};
    end_progress();
    const LoadStack::Cpu cpu = stack.cpu();
    player.give_up_unanswered();
    for (std::size_t s = 0; s < steps_count; ++s) run.kinds.emplace_back(name(static_cast<Step>(s)), s);

    const double answered = static_cast<double>(std::max<std::uint64_t>(1, player.answered()));
    report.figures = {{"load.per_second", run.fleet.per_second()},
                      {"load.p50_us", static_cast<double>(run.fleet.latency.percentile_ns(0.5)) / 1e3},
                      {"load.p99_us", static_cast<double>(run.fleet.latency.percentile_ns(0.99)) / 1e3},
                      {"load.p99_9_us", static_cast<double>(run.fleet.latency.percentile_ns(0.999)) / 1e3}};
    if (cpu.refund_switch > 0) {
        report.figures.emplace_back("cpu.switch.us_per_request",
                                    (cpu.refund_switch - cpu_before.refund_switch) * 1e6 / answered);
        report.figures.emplace_back("cpu.issuers.us_per_request",
                                    (cpu.issuers - cpu_before.issuers) * 1e6 / answered);
        report.figures.emplace_back("cpu.bench.us_per_request",
                                    (cpu_seconds(::getpid()) - own_cpu_before) * 1e6 / answered);
    }
    add_findings(player, run.fleet, report);
    report.runs.push_back(std::move(run));
    compare_journals(player.books(), targets, report);
    compare_ledger(player.books(), targets, report);
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
    LoadStack stack;
    if (!o.targets.unionpay.empty() || !o.targets.iso.empty()) return play(o, o.targets, rate, stack);

    StackOptions options;
    options.programs = o.programs.empty() ? own_directory() : o.programs;
    options.config = o.config.empty() ? find_config_directory(options.programs) : o.config;
    // Beside the programs, which are on a disk that syncs; a temporary directory may be memory.
    options.directory =
        o.directory.empty() ? fmt::format("{}/../bench-run-{}", options.programs, ::getpid()) : o.directory;
    options.keep = o.keep;
    if (o.issuer_latency_ms > 0) options.issuer_flags = {"--latency-ms", std::to_string(o.issuer_latency_ms)};
    if (auto started = stack.start(options); !started) return complain(started.error().what, 1);
    int status = play(o, stack.targets(), rate, stack);
    if (const std::string wrong = stack.stop(); !wrong.empty()) status = complain(wrong, 1);
    if (o.keep) std::fprintf(stderr, "kept: %s\n", options.directory.c_str());
    return status;
}

}  // namespace bench
