// switch-bench: load and micro benchmarks (docs/interfaces.md, docs/performance.md).
#include <CLI/CLI.hpp>

#include "bench/codec_bench.hpp"
#include "bench/compare.hpp"
#include "bench/delay_relay.hpp"
#include "bench/grow_bench.hpp"
#include "bench/hsm_bench.hpp"
#include "bench/idle.hpp"
#include "bench/ledger_bench.hpp"
#include "bench/limit.hpp"
#include "bench/load.hpp"
#include "bench/load_session.hpp"
#include "bench/session_bench.hpp"
#include "bench/soak.hpp"
#include "bench/store_bench.hpp"
#include "bench/tls_bench.hpp"
#include "bench/turn_bench.hpp"
#include "iso8583/command_line/program.hpp"

namespace {

constexpr int exit_usage = 2;

void declare_files(CLI::App& command, bench::ReportFiles& files) {
    command.add_option("--json", files.json, "write the figures to this file")->type_name("FILE");
    command.add_option("--html", files.html, "write a page with plots to this file")->type_name("FILE");
}

/// What every command that plays terminals takes.
void declare_fleet(CLI::App& command, bench::LoadOptions& o) {
    command.add_option("--terminals", o.terminals, "how many, half of each profile")->capture_default_str();
    command.add_option("--connections", o.connections, "TCP connections they share")->capture_default_str();
    command.add_option("--rate", o.rate, "requests a second (open loop), or max (closed loop)")
        ->capture_default_str();
    command.add_option("--warm-up", o.warm_up_s, "seconds played and not measured")
        ->check(CLI::Range(0.0, 600.0))
        ->capture_default_str();
    command.add_option("--play", o.play, "everything, or refunds (with the sales they need)")
        ->check(CLI::IsMember({"everything", "refunds"}))
        ->capture_default_str();
    command.add_option("--mix", o.mix_file, "TOML with the weights of the steps, instead of --play")
        ->type_name("FILE")
        ->excludes("--play");
    command.add_option("--profile", o.profile, "both, unionpay-pos or iso87-ascii")
        ->check(CLI::IsMember({"both", "unionpay-pos", "iso87-ascii"}))
        ->capture_default_str();
    command
        .add_option(
            "--issuer", o.issuer,
            "both, a (refunds by advice), b (online): whose cards are used; w: a wallet's payment codes")
        ->check(CLI::IsMember({"both", "a", "b", "w"}))
        ->capture_default_str();
    command.add_option("--seed", o.seed, "the same seed plays the same requests")->capture_default_str();
    command.add_option("--issuer-latency-ms", o.issuer_latency_ms,
                       "how long the issuers of our own stack think");
    command.add_option("--fail-if", o.fail_if,
                       "exit 1 when this was measured, as in p99>50ms; may be repeated");
    declare_files(command, o.files);
    command.add_option("--csv", o.files.csv, "write a line a second to this file")->type_name("FILE");
    command
        .add_option("--hgrm", o.files.hgrm,
                    "write the latencies to this file as HdrHistogram's tools read them")
        ->type_name("FILE");
    command
        .add_option("--programs", o.programs,
                    "directory of refund-switch and issuer-sim (default: this program's)")
        ->type_name("DIR");
    command.add_option("--config", o.config, "directory of demo.toml and issuer-a.toml")->type_name("DIR");
    command.add_option("--directory", o.directory, "directory to make for the run")->type_name("DIR");
    command.add_flag("--keep", o.keep, "leave that directory, with logs and journals");
}

void declare_duration(CLI::App& command, bench::LoadOptions& o) {
    command.add_option("--duration", o.duration_s, "seconds measured")
        ->check(CLI::Range(1.0, 86'400.0))
        ->capture_default_str();
}

/// A running switch instead of a stack of our own.
void declare_targets(CLI::App& command, bench::LoadOptions& o) {
    command.add_option("--unionpay", o.targets.unionpay,
                       "ADDRESS:PORT of a running switch, instead of a stack of our own");
    command.add_option("--iso", o.targets.iso, "ADDRESS:PORT of its iso87-ascii listener");
    command
        .add_option("--journal", o.targets.journals,
                    "journals of issuer-a, issuer-b and issuer-w, of a running stack")
        ->type_name("FILE")
        ->expected(2, 3);
    command.add_option("--control", o.targets.control, "control socket of the running switch")
        ->type_name("PATH");
}

CLI::App* declare_load(CLI::App& app, bench::LoadOptions& o) {
    CLI::App* load =
        app.add_subcommand("load", "a fleet of terminals against a switch, verified to the books");
    declare_fleet(*load, o);
    declare_duration(*load, o);
    declare_targets(*load, o);
    load->add_flag("--quick", o.quick, "a run of about 20 s, with --with-limit");
    load->add_flag("--with-limit", o.with_limit, "also the rungs of `limit` in the same shape, for ratios");
    load->add_flag(
        "--with-tls", o.with_tls,
        "with TLS and without in turn, on a stack each: what it costs the switch (ratio.tls.switch_cpu)");
    load->add_option("--shards", o.shards, "of the switch of our own stack: 1, 2 or 4")
        ->check(CLI::IsMember({1U, 2U, 4U}))
        ->capture_default_str();
    load->add_option("--rounds", o.rounds,
                     "times that load (and rungs) are played in turn; 5 with --with-limit")
        ->check(CLI::Range(1U, bench::rounds_max));
    load->add_option("--find-max", o.find_max,
                     "search the highest rate that keeps a latency, as in p99=20ms");
    return load;
}

CLI::App* declare_soak(CLI::App& app, bench::SoakOptions& o) {
    CLI::App* soak =
        app.add_subcommand("soak", "a load for a long time: does anything stall, does anything grow");
    declare_fleet(*soak, o.load);
    declare_targets(*soak, o.load);
    soak->add_option("--minutes", o.minutes, "how long")
        ->check(CLI::Range(0.05, 1'440.0))
        ->capture_default_str();
    soak->add_option("--share", o.share_percent, "with --rate max: percent of what a closed loop reaches")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    soak->add_option("--stall-ms", o.stall_ms, "a second with a longer answer is a stall")
        ->check(CLI::Range(1, 60'000))
        ->capture_default_str();
    return soak;
}

CLI::App* declare_idle(CLI::App& app, bench::IdleOptions& o) {
    CLI::App* idle =
        app.add_subcommand("idle", "many connections that say nothing, beside terminals that work");
    o.load.rate = "500";
    o.load.terminals = o.load.connections = 64;
    o.load.duration_s = 10;
    idle->add_option("--idle-connections,--connections", o.connections, "how many say nothing")
        ->check(CLI::Range(1U, bench::idle_connections_max))
        ->capture_default_str();
    idle->add_option("--addresses", o.addresses, "of 127.1.0.0/16, which they come from")
        ->check(CLI::Range(1U, bench::idle_addresses_max))
        ->capture_default_str();
    idle->add_option("--rate", o.load.rate, "requests a second of the terminals that work")
        ->capture_default_str();
    idle->add_option("--warm-up", o.load.warm_up_s, "seconds played and not measured, each time")
        ->check(CLI::Range(0.0, 600.0))
        ->capture_default_str();
    declare_duration(*idle, o.load);
    idle->add_option("--fail-if", o.load.fail_if, "exit 1 when this was measured, as in ratio.idle.p50>1.2");
    declare_files(*idle, o.load.files);
    idle->add_option("--programs", o.load.programs,
                     "directory of refund-switch and issuer-sim (default: this program's)")
        ->type_name("DIR");
    idle->add_option("--config", o.load.config, "directory of demo.toml and issuer-a.toml")->type_name("DIR");
    idle->add_option("--directory", o.load.directory, "directory to make for the run")->type_name("DIR");
    idle->add_flag("--keep", o.load.keep, "leave that directory, with logs and journals");
    return idle;
}

CLI::App* declare_grow(CLI::App& app, bench::GrowOptions& o, std::string& sizes) {
    CLI::App* grow = app.add_subcommand("grow", "cost of a refund, disk and start as the ledger grows");
    grow->add_option("--sales", sizes, "rising numbers of sales at which it is measured")
        ->capture_default_str();
    grow->add_option("--refunds", o.refunds, "refunds at each, of sales old and recent")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    grow->add_option("--directory", o.directory,
                     "directory of the ledger, kept: the next run goes on with it")
        ->type_name("DIR");
    grow->add_option("--cache-mib", o.cache_mib, "memory for the store's blocks, as the switch's cache_mib")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    declare_files(*grow, o.files);
    return grow;
}

CLI::App* declare_compare(CLI::App& app, bench::CompareOptions& o) {
    CLI::App* compare = app.add_subcommand("compare", "the figures of two runs (--json), side by side");
    compare->add_option("before", o.before, "figures of the one")->required()->type_name("FILE");
    compare->add_option("after", o.after, "and of the other")->required()->type_name("FILE");
    compare->add_option("--fail-if", o.fail_if, "of after / before, as in load.p99_us>1.1; may be repeated");
    declare_files(*compare, o.files);
    return compare;
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
    limit->add_option("--directory", o.directory, "directory to make for the records")->type_name("DIR");
    declare_files(*limit, o.files);
    return limit;
}

CLI::App* declare_tls(CLI::App& app, bench::TlsBenchOptions& o) {
    CLI::App* tls =
        app.add_subcommand("tls", "handshakes a second, what TLS adds to a request, memory when idle");
    tls->add_option("--json", o.json_file, "write the figures to this file")->type_name("FILE");
    tls->add_option("--handshakes", o.handshakes, "of each kind")
        ->check(CLI::Range(10, 100'000))
        ->capture_default_str();
    tls->add_option("--messages", o.messages, "requests with their answers")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
    tls->add_option("--message-bytes", o.message_bytes, "of each")
        ->check(CLI::Range(1, 16'000))
        ->capture_default_str();
    tls->add_option("--idle", o.idle, "connections that are held")
        ->check(CLI::Range(100, 100'000))
        ->capture_default_str();
    return tls;
}

CLI::App* declare_codec(CLI::App& app, bench::CodecBenchOptions& o) {
    CLI::App* codec = app.add_subcommand("codec", "nanoseconds to decode and encode, by dialect");
    codec->add_option("--json", o.json_file, "write the figures to this file")->type_name("FILE");
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
    ledger->add_option("--directory", o.directory, "a directory on the disk to be measured")
        ->type_name("DIR");
    ledger->add_option("--json", o.json_path, "write the figures to this file")->type_name("FILE");
    return ledger;
}

CLI::App* declare_store(CLI::App& app, bench::StoreBenchOptions& o) {
    CLI::App* store =
        app.add_subcommand("store", "refunds a second that RocksDB and PostgreSQL commit, by size and depth");
    o.directory = bench::own_directory();
    store->add_option("--directory", o.directory, "a directory on the disk to be measured")->type_name("DIR");
    store->add_option("--hosts", o.hosts, "servers of PostgreSQL; without them RocksDB alone")
        ->delimiter(',')
        ->type_name("NODES");
    store->add_option("--database", o.database, "an empty one")->capture_default_str()->type_name("NAME");
    store->add_option("--user", o.user, "its owner")->capture_default_str()->type_name("NAME");
    store->add_option("--password-file", o.password_file, "its first line is the password")
        ->type_name("FILE");
    store->add_option("--batches", o.batches, "refunds of a turn")
        ->delimiter(',')
        ->check(CLI::Range(1, 1'024))
        ->capture_default_str();
    store->add_option("--depths", o.depths, "turns under way on PostgreSQL")
        ->delimiter(',')
        ->check(CLI::Range(1, 4))
        ->capture_default_str();
    store->add_option("--case-ms", o.case_ms, "milliseconds of each case")
        ->check(CLI::Range(10, 600'000))
        ->capture_default_str();
    store->add_option("--rounds", o.rounds, "in which the cases take turns")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    store
        ->add_option("--one-way-ms", o.one_way_ms,
                     "how far away the servers are, by a relay in front of each")
        ->check(CLI::Range(0.0, 1'000.0))
        ->capture_default_str();
    store->add_option("--json", o.json_path, "write the figures to this file")->type_name("FILE");
    return store;
}

CLI::App* declare_delay(CLI::App& app, bench::DelayOptions& o) {
    CLI::App* delay = app.add_subcommand("delay", "a TCP relay that makes a server seem further away");
    delay->add_option("--to", o.to, "the server")->required()->type_name("HOST:PORT");
    delay->add_option("--one-way-ms", o.one_way_ms, "in each direction")
        ->check(CLI::Range(0.0, 1'000.0))
        ->capture_default_str();
    return delay;
}

CLI::App* declare_hsm(CLI::App& app, bench::HsmBenchOptions& o) {
    CLI::App* hsm = app.add_subcommand("hsm", "nanoseconds of MACs, PIN translation and random bytes");
    hsm->add_option("--json", o.json_file, "write the figures to this file")->type_name("FILE");
    hsm->add_option("--hsm-sim", o.hsm_sim_program, "the program to start for the loopback part")
        ->type_name("FILE");
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
    turn->add_option("--json", o.json_file, "write the figures to this file")->type_name("FILE");
    turn->add_flag("--count", o.count, "count instructions with callgrind instead of measuring time");
    turn->add_option("--only", o.only, "this refund mode alone")->check(CLI::IsMember({"online", "advice"}));
    turn->add_flag("--sales-only", o.sales_only, "no refunds");
    turn->add_option("--crowd", o.crowd, "echoes alone, beside so many sales and settlements that wait")
        ->check(CLI::Range(0, 10'000));
    return turn;
}

CLI::App* declare_session(CLI::App& app, bench::SessionBenchOptions& o) {
    CLI::App* session = app.add_subcommand(
        "session", "from a request's bytes to its answer's, with all MACs; memory store, no sockets");
    session->add_option("--transactions", o.transactions, "sales, and as many refunds")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    session->add_option("--terminals", o.terminals, "whose requests arrive together")
        ->check(CLI::Range(1, 999))
        ->capture_default_str();
    session->add_option("--only", o.only, "terminals of this profile alone")
        ->check(CLI::IsMember({"unionpay-pos", "iso87-ascii"}));
    session->add_flag("--sales-only", o.sales_only, "no refunds");
    session->add_flag("--sign-on-only", o.sign_on_only, "not even sales");
    session->add_option("--json", o.json_file, "write the figures to this file")->type_name("FILE");
    return session;
}

command_line::Manual manual() {
    return {
        1,
        {"switch-bench measures. `load` starts a stack of its own on loopback (or uses a running one), plays "
         "a "
         "fleet of terminals against it, and checks afterwards that the switch's books and the issuers' "
         "journals say the same; `limit` measures what the machine would allow; `soak`, `idle` and `grow` "
         "look at long runs, silent connections and large ledgers; the others measure parts.",
         "Figures that are reported come from the release preset, on a machine that does nothing else."},
        {{"0", "measured"},
         {"1", "failed, the books differ, or a bound of --fail-if was passed"},
         {"2", "usage"}},
        {},
        {},
        {{"switch-bench load --quick", "a run of about 20 s, beside what the machine allows."},
         {"switch-bench load --rate 2000 --duration 60 --html load.html", "a minute at a rate, as a page."},
         {"switch-bench compare before.json after.json --fail-if 'load.p99_us>1.1'",
          "two runs, side by side."},
         {"switch-bench codec --no-instructions", "what messages cost."},
         {"switch-bench tls", "what TLS costs."}},
        {"refund-switch(8)", "issuer-sim(1)"}};
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("load and micro benchmarks of the refund switch", "switch-bench");
    app.require_subcommand(1);
    bench::LoadOptions load_options;
    bench::LimitOptions limit_options;
    const CLI::App* load = declare_load(app, load_options);
    bench::SoakOptions soak_options;
    const CLI::App* soak = declare_soak(app, soak_options);
    bench::IdleOptions idle_options;
    const CLI::App* idle = declare_idle(app, idle_options);
    bench::GrowOptions grow_options;
    std::string grow_sizes = "10000,100000,1000000";
    const CLI::App* grow = declare_grow(app, grow_options, grow_sizes);
    bench::CompareOptions compare_options;
    const CLI::App* compare = declare_compare(app, compare_options);
    const CLI::App* limit = declare_limit(app, limit_options);
    bench::CodecBenchOptions codec_options;
    const CLI::App* codec = declare_codec(app, codec_options);
    bench::TlsBenchOptions tls_options;
    const CLI::App* tls = declare_tls(app, tls_options);
    bench::LedgerBenchOptions ledger_options;
    const CLI::App* ledger = declare_ledger(app, ledger_options);
    bench::StoreBenchOptions store_options;
    const CLI::App* store = declare_store(app, store_options);
    bench::DelayOptions delay_options;
    const CLI::App* delay = declare_delay(app, delay_options);
    bench::HsmBenchOptions hsm_options;
    const CLI::App* hsm = declare_hsm(app, hsm_options);
    bench::TurnBenchOptions turn_options;
    const CLI::App* turn = declare_turn(app, turn_options);
    bench::SessionBenchOptions session_options;
    const CLI::App* session = declare_session(app, session_options);
    bench::remember_command(argc, argv);
    if (const auto code = command_line::Program(app, manual()).parse(argc, argv)) return *code;
    if (load->parsed()) return bench::run_load(load_options);
    if (soak->parsed()) return bench::run_soak(soak_options);
    if (idle->parsed()) return bench::run_idle(idle_options);
    if (compare->parsed()) return bench::run_compare(compare_options);
    if (grow->parsed()) {
        auto sizes = bench::parse_sizes(grow_sizes);
        if (!sizes) return bench::complain("grow", "--sales: " + sizes.error().what, exit_usage);
        grow_options.sales = std::move(*sizes);
        return bench::run_grow_bench(grow_options);
    }
    if (limit->parsed()) return bench::run_limit(limit_options);
    if (codec->parsed()) return bench::run_codec_bench(codec_options);
    if (tls->parsed()) return bench::run_tls_bench(tls_options);
    if (ledger->parsed()) return bench::run_ledger_bench(ledger_options);
    if (store->parsed()) return bench::run_store_bench(store_options);
    if (delay->parsed()) return bench::run_delay(delay_options);
    if (hsm->parsed()) return bench::run_hsm_bench(hsm_options);
    if (turn->parsed()) return bench::run_turn_bench(turn_options);
    if (session->parsed()) return bench::run_session_bench(session_options);
    return exit_usage;
}
