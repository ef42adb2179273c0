#include "bench/load_session.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>

namespace bench {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr double sign_on_s_max = 30;

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
    if (targets.journals.empty()) {
        report.findings.push_back("issuers' journals: not compared, none were named");
        return;
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(drain_wait_s);
    for (std::size_t issuer = 0; issuer < std::min(issuers, targets.journals.size()); ++issuer) {
        LoadBooks::Comparison comparison;
        for (;;) {
            comparison = books.compare(issuer, read_journal(targets.journals[issuer], lines_before[issuer]));
            if (comparison.agrees() || std::chrono::steady_clock::now() >= until) break;
            ::poll(nullptr, 0, 500);  // refund advices and reversals are still on their way
        }
        const bool totals_agree = comparison.journal == books.expected_of_issuer(issuer);
        const std::string_view name = issuer_names[issuer];
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
                         iso8583::Result<LedgerTotals> before, Report& report) {
    if (!before) {
        report.findings.push_back("switch's ledger: not compared, " + before.error().what);
        return;
    }
    // Their batch of now began after it.
    for (const std::string& terminal : player.settled()) before->terminals.erase(terminal);
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
            ? fmt::format("switch's ledger: all routes and {} terminals agree, nothing in transit",
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
    report.passed =
        report.passed && player.breaches() == 0 && fleet.broken_connections == 0 && fleet.stray_answers == 0;
}

/// Every terminal once; what went wrong, in words.
iso8583::Result<void> sign_on(Fleet& fleet, LoadPlayer& player, std::size_t terminals) {
    player.set_signing_on(true);
    FleetOptions options;
    options.warm_up_s = 0;
    options.duration_s = sign_on_s_max;
    options.requests_per_slot_max = 1;
    fleet.run(player, options);
    player.set_signing_on(false);
    const std::size_t ready = player.terminals_with_keys();
    if (ready == terminals && player.breaches() == 0) return {};
    std::string what = fmt::format("{} of {} terminals have signed on", ready, terminals);
    for (const std::string& breach : player.first_breaches()) what += "\n  " + breach;
    return parse_error(what);
}

/// What the terminals do: the whole mix, or refunds with as many sales as they need (a sale is refunded in
/// about six parts).
LoadMix mix_of(const LoadOptions& o) {
    LoadMix mix = o.mix;
    if (o.play == "refunds") mix.weight = {14, 0, 86, 0, 0, 0, 0, 0, 0};
    if (o.issuer != "both") mix.issuer_a_percent = o.issuer == "a" ? 100 : 0;
    if (o.issuer == "w") mix.wallet_percent = 100;
    return mix;
}

}  // namespace

struct LoadSession::Parts {
    Parts(const LoadOptions& o, LoadTargets t, const LoadStack& s, FleetPlan plan)
        : options(o),
          targets(std::move(t)),
          stack(s),
          terminals(plan.terminals.size()),
          player(plan.terminals, mix_of(o), o.seed),
          fleet(std::move(plan.connections)) {}
    LoadOptions options;
    LoadTargets targets;
    const LoadStack& stack;
    std::size_t terminals, connections = 0;
    LoadPlayer player;
    Fleet fleet;
    Result<LedgerTotals> ledger_before = parse_error("not asked");
    std::vector<std::size_t> journal_lines_before;
    std::uint64_t broken_connections = 0, stray_answers = 0;
    std::string rates;
};

LoadSession::LoadSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LoadSession::~LoadSession() = default;

Result<std::unique_ptr<LoadSession>> LoadSession::start(const LoadOptions& o, const LoadTargets& targets,
                                                        const LoadStack& stack) {
    auto plan = plan_fleet(o, targets);
    if (!plan) return tl::unexpected(plan.error());
    const std::size_t connections = plan->connections.size();
    auto parts = std::make_unique<Parts>(o, targets, stack, std::move(*plan));
    parts->connections = connections;
    if (auto connected = parts->fleet.connect(); !connected) return tl::unexpected(connected.error());
    if (auto signed_on = sign_on(parts->fleet, parts->player, parts->terminals); !signed_on)
        return tl::unexpected(signed_on.error());
    parts->ledger_before = ask_ledger(targets.control);
    if (parts->ledger_before) parts->player.set_open_batches(parts->ledger_before->terminals);
    for (const std::string& journal : targets.journals)
        parts->journal_lines_before.push_back(read_journal(journal).size());
    return std::unique_ptr<LoadSession>(new LoadSession(std::move(parts)));
}

LoadSession::Played LoadSession::play(const std::string& name, std::uint64_t rate, double warm_up_s,
                                      double duration_s,
                                      const std::function<void(const Progress&)>& each_second) {
    const LoadStack::Cpu before = parts_->stack.cpu();
    const double own_before = cpu_seconds(::getpid());
    const std::uint64_t answered_before = parts_->player.answered();
    FleetOptions options;
    options.rate = rate;
    options.warm_up_s = warm_up_s;
    options.duration_s = duration_s;
    options.progress = [&](const Progress& p) {
        show_progress(name, p);
        if (each_second) each_second(p);
    };
    Played played;
    played.measured = {name, parts_->fleet.run(parts_->player, options), {}};
    end_progress();
    parts_->player.give_up_unanswered();
    for (std::size_t s = 0; s < steps_count; ++s)
        played.measured.kinds.emplace_back(bench::name(static_cast<Step>(s)), s);
    parts_->broken_connections += played.measured.fleet.broken_connections;
    parts_->stray_answers += played.measured.fleet.stray_answers;
    const LoadStack::Cpu after = parts_->stack.cpu();
    const double n =
        static_cast<double>(std::max<std::uint64_t>(1, parts_->player.answered() - answered_before));
    if (after.refund_switch > 0) {
        played.switch_us = (after.refund_switch - before.refund_switch) * 1e6 / n;
        played.issuers_us = (after.issuers - before.issuers) * 1e6 / n;
    }
    played.own_us = (cpu_seconds(::getpid()) - own_before) * 1e6 / n;
    return played;
}

std::size_t LoadSession::terminals() const { return parts_->terminals; }
std::size_t LoadSession::connections() const { return parts_->connections; }
std::uint64_t LoadSession::breaches() const { return parts_->player.breaches(); }

void LoadSession::describe(Report& report) const {
    const LoadOptions& o = parts_->options;
    report.facts.emplace_back("terminals", fmt::format("{} over {} connections", terminals(), connections()));
    report.facts.emplace_back("seed", std::to_string(o.seed));
    report.facts.emplace_back("played", (o.mix_file.empty() ? o.play : o.mix_file) + ", profile " +
                                            o.profile + ", issuer " + o.issuer);
}

void LoadSession::close_books(Report& report) {
    FleetResult all;
    all.broken_connections = parts_->broken_connections;
    all.stray_answers = parts_->stray_answers;
    add_findings(parts_->player, all, report);
    compare_journals(parts_->player.books(), parts_->targets, parts_->journal_lines_before, report);
    compare_with_ledger(parts_->player, parts_->targets, parts_->ledger_before, report);
}

std::string run_directory(const LoadOptions& o) {
    const std::string programs = o.programs.empty() ? own_directory() : o.programs;
    return o.directory.empty() ? fmt::format("{}/../bench-run-{}", programs, ::getpid()) : o.directory;
}

Result<LoadTargets> start_stack(const LoadOptions& o, LoadStack& stack, StackOptions options) {
    if (!o.targets.unionpay.empty() || !o.targets.iso.empty()) return o.targets;
    options.programs = o.programs.empty() ? own_directory() : o.programs;
    options.config = o.config.empty() ? find_config_directory(options.programs) : o.config;
    options.directory = run_directory(o);
    options.keep = o.keep;
    options.shards = o.shards;
    if (o.issuer_latency_ms > 0) options.issuer_flags = {"--latency-ms", std::to_string(o.issuer_latency_ms)};
    if (auto started = stack.start(options); !started) return tl::unexpected(started.error());
    if (o.keep) std::fprintf(stderr, "kept: %s\n", options.directory.c_str());
    return stack.targets();
}

void stop_stack(LoadStack& stack, Report& report) {
    const std::string wrong = stack.stop();
    if (wrong.empty()) return;
    report.findings.push_back(wrong);
    report.passed = false;
}

Result<Address> parse_address(const std::string& text) {
    const auto colon = text.rfind(':');
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !iso8583::all_digits(port) || std::stoul(port) > 65'535)
        return parse_error("address: HOST:PORT is needed, as in 127.0.0.1:8583");
    return Address{text.substr(0, colon), static_cast<std::uint16_t>(std::stoul(port))};
}

Result<void> read_mix_of(LoadOptions& o) {
    if (o.mix_file.empty()) return {};
    auto mix = read_mix(o.mix_file);
    if (!mix) return parse_error("--mix: " + mix.error().what);
    o.mix = *mix;
    return {};
}

Result<std::uint64_t> parse_rate(const std::string& text) {
    if (text == "max") return 0;
    if (text.empty() || text.size() > 8 || !iso8583::all_digits(text) || std::stoull(text) == 0)
        return parse_error("--rate: requests a second, or max");
    return std::stoull(text);
}

void add_load_figures(const LoadSession::Played& played, Report& report) {
    const FleetResult& fleet = played.measured.fleet;
    const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
    report.figures.insert(report.figures.end(), {{"load.per_second", fleet.per_second()},
                                                 {"load.p50_us", us(fleet.latency.percentile_ns(0.5))},
                                                 {"load.p95_us", us(fleet.latency.percentile_ns(0.95))},
                                                 {"load.p99_us", us(fleet.latency.percentile_ns(0.99))},
                                                 {"load.p99_9_us", us(fleet.latency.percentile_ns(0.999))}});
    if (played.switch_us) report.figures.emplace_back("cpu.switch.us_per_request", *played.switch_us);
    if (played.issuers_us) report.figures.emplace_back("cpu.issuers.us_per_request", *played.issuers_us);
    report.figures.emplace_back("cpu.bench.us_per_request", played.own_us);
}

int finish(const LoadOptions& o, const Report& report) {
    const bool written = write_reports(report, o.files);
    std::fputs(to_table(report).c_str(), stdout);
    return report.passed && written ? 0 : 1;
}

int complain(const std::string& command, const std::string& what, int code) {
    std::fprintf(stderr, "switch-bench %s: %s\n", command.c_str(), what.c_str());
    return code;
}

}  // namespace bench
