// switch-bench: load and micro benchmarks (docs/interfaces.md, docs/performance.md).
#include <CLI/CLI.hpp>

#include "bench/codec_bench.hpp"
#include "bench/hsm_bench.hpp"
#include "bench/ledger_bench.hpp"
#include "bench/limit.hpp"
#include "bench/load.hpp"
#include "bench/turn_bench.hpp"

namespace {

constexpr int exit_usage = 2;

CLI::App* declare_load(CLI::App& app, bench::LoadOptions& o) {
    CLI::App* load =
        app.add_subcommand("load", "a fleet of terminals against a switch, verified to the books");
    load->add_option("--terminals", o.terminals, "how many, half of each profile")->capture_default_str();
    load->add_option("--connections", o.connections, "TCP connections they share")->capture_default_str();
    load->add_option("--rate", o.rate, "requests a second (open loop), or max (closed loop)")
        ->capture_default_str();
    load->add_option("--warm-up", o.warm_up_s, "seconds played and not measured")
        ->check(CLI::Range(0.0, 600.0))
        ->capture_default_str();
    load->add_option("--duration", o.duration_s, "seconds measured")
        ->check(CLI::Range(1.0, 86'400.0))
        ->capture_default_str();
    load->add_option("--play", o.play, "everything, or refunds (with the sales they need)")
        ->check(CLI::IsMember({"everything", "refunds"}))
        ->capture_default_str();
    load->add_option("--profile", o.profile, "both, unionpay-pos or iso87-ascii")
        ->check(CLI::IsMember({"both", "unionpay-pos", "iso87-ascii"}))
        ->capture_default_str();
    load->add_option("--issuer", o.issuer, "both, a (refunds by advice) or b (online): whose cards are used")
        ->check(CLI::IsMember({"both", "a", "b"}))
        ->capture_default_str();
    load->add_flag("--quick", o.quick, "a run of about 20 s, with --with-limit");
    load->add_flag("--with-limit", o.with_limit, "also the rungs of `limit` in the same shape, for ratios");
    load->add_option("--seed", o.seed, "the same seed plays the same requests")->capture_default_str();
    load->add_option("--issuer-latency-ms", o.issuer_latency_ms,
                     "how long the issuers of our own stack think");
    load->add_option("--json", o.json_file, "write the figures to this file");
    load->add_option("--html", o.html_file, "write a page with plots to this file");
    load->add_option("--unionpay", o.targets.unionpay,
                     "ADDRESS:PORT of a running switch, instead of a stack of our own");
    load->add_option("--iso", o.targets.iso, "ADDRESS:PORT of its iso87-ascii listener");
    load->add_option("--journal", o.targets.journals, "journals of issuer-a and issuer-b, of a running stack")
        ->expected(2);
    load->add_option("--control", o.targets.control, "control socket of the running switch");
    load->add_option("--programs", o.programs,
                     "directory of refund-switch and issuer-sim (default: this program's)");
    load->add_option("--config", o.config, "directory of demo.toml and issuer-a.toml");
    load->add_option("--directory", o.directory, "directory to make for the run");
    load->add_flag("--keep", o.keep, "leave that directory, with logs and journals");
    return load;
}

CLI::App* declare_limit(CLI::App& app, bench::LimitOptions& o) {
    CLI::App* limit =
        app.add_subcommand("limit", "what the machine allows: a bare relay, and one with records and a sync");
    limit->add_option("--connections", o.connections, "terminals' connections")->capture_default_str();
    limit->add_option("--per-connection", o.per_connection, "requests under way on each")
        ->capture_default_str();
    limit->add_option("--duration", o.duration_s, "seconds measured, each rung")
        ->check(CLI::Range(1.0, 3'600.0))
        ->capture_default_str();
    limit->add_option("--rate", o.rate, "requests a second, or max")->capture_default_str();
    limit->add_option("--directory", o.directory, "directory to make for the records");
    limit->add_option("--json", o.json_file, "write the figures to this file");
    limit->add_option("--html", o.html_file, "write a page with plots to this file");
    return limit;
}

CLI::App* declare_codec(CLI::App& app, bench::CodecBenchOptions& o) {
    CLI::App* codec = app.add_subcommand("codec", "nanoseconds to decode and encode, by dialect");
    codec->add_option("--json", o.json_file, "write the figures to this file");
    codec->add_option("--case-ms", o.case_ms, "milliseconds of each case")
        ->check(CLI::Range(10, 60'000))
        ->capture_default_str();
    codec->add_flag("!--no-instructions", o.instructions, "do not count instructions with callgrind");
    codec->add_option("--only", o.only, "run this one case and print nothing, for callgrind");
    codec->add_option("--iterations", o.iterations, "with --only: how often");
    return codec;
}

CLI::App* declare_ledger(CLI::App& app, bench::LedgerBenchOptions& o) {
    CLI::App* ledger = app.add_subcommand("ledger", "what a durable record costs");
    o.directory = bench::own_directory();
    ledger->add_option("--directory", o.directory, "a directory on the disk to be measured");
    ledger->add_option("--json", o.json_path, "write the figures to this file");
    return ledger;
}

CLI::App* declare_hsm(CLI::App& app, bench::HsmBenchOptions& o) {
    CLI::App* hsm = app.add_subcommand("hsm", "nanoseconds of MACs, PIN translation and random bytes");
    hsm->add_option("--json", o.json_file, "write the figures to this file");
    hsm->add_option("--hsm-sim", o.hsm_sim_program, "the program to start for the loopback part");
    return hsm;
}

CLI::App* declare_turn(CLI::App& app, bench::TurnBenchOptions& o) {
    CLI::App* turn = app.add_subcommand("turn", "a refund through the core, memory store, no sockets");
    turn->add_option("--refunds", o.refunds, "how many")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
    turn->add_option("--events-a-turn", o.events_a_turn, "requests that share a batch")
        ->check(CLI::Range(1, 4'096))
        ->capture_default_str();
    turn->add_option("--json", o.json_file, "write the figures to this file");
    turn->add_flag("--count", o.count, "count instructions with callgrind instead of measuring time");
    turn->add_option("--only", o.only, "this refund mode alone")->check(CLI::IsMember({"online", "advice"}));
    turn->add_flag("--sales-only", o.sales_only, "no refunds");
    turn->add_option("--crowd", o.crowd, "echoes alone, beside so many sales and settlements that wait")
        ->check(CLI::Range(0, 10'000));
    return turn;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("switch-bench: load and micro benchmarks of the refund switch");
    app.require_subcommand(1);
    bench::LoadOptions load_options;
    bench::LimitOptions limit_options;
    const CLI::App* load = declare_load(app, load_options);
    const CLI::App* limit = declare_limit(app, limit_options);
    bench::CodecBenchOptions codec_options;
    const CLI::App* codec = declare_codec(app, codec_options);
    bench::LedgerBenchOptions ledger_options;
    const CLI::App* ledger = declare_ledger(app, ledger_options);
    bench::HsmBenchOptions hsm_options;
    const CLI::App* hsm = declare_hsm(app, hsm_options);
    bench::TurnBenchOptions turn_options;
    const CLI::App* turn = declare_turn(app, turn_options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    if (load->parsed()) return bench::run_load(load_options);
    if (limit->parsed()) return bench::run_limit(limit_options);
    if (codec->parsed()) return bench::run_codec_bench(codec_options);
    if (ledger->parsed()) return bench::run_ledger_bench(ledger_options);
    if (hsm->parsed()) return bench::run_hsm_bench(hsm_options);
    if (turn->parsed()) return bench::run_turn_bench(turn_options);
    return exit_usage;
}
