// issuer-sim: one issuer for tests, demos and load (docs/interfaces.md).
#include <CLI/CLI.hpp>
#include <cstdio>

#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/process_hardening.hpp"
#include "routing/issuer_sim/issuer_server.hpp"

namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

int complain(const std::string& what, int code) {
    std::fprintf(stderr, "issuer-sim: %s\n", what.c_str());
    return code;
}

/// What the command line says on top of the file.
struct Flags {
    std::string config, listen, dialect, journal, control;
    std::optional<std::uint64_t> seed;
    std::optional<std::uint32_t> latency_ms, latency_ms_max, switch_time_out_ms;
    std::vector<std::string> faults;
    bool durable = false;
};

void declare(CLI::App& app, Flags& flags) {
    app.add_option("--config", flags.config, "TOML file, as switch/config/issuer-a.toml")->required();
    app.add_option("--listen", flags.listen, "ADDRESS:PORT; port 0 takes a free one");
    app.add_option("--dialect", flags.dialect, "how messages look: iso87-ascii, iso87-bcd …");
    app.add_option("--journal", flags.journal, "append a JSON line per effect on the books to this file");
    app.add_option("--control", flags.control, "Unix socket for commands, one a line (docs/interfaces.md)");
    app.add_option("--seed", flags.seed, "for faults and latency by chance");
    app.add_flag("--durable", flags.durable, "sync the journal before answering");
    app.add_option("--latency-ms", flags.latency_ms, "delay every answer");
    app.add_option("--latency-ms-max", flags.latency_ms_max, "between --latency-ms and this, by chance");
    app.add_option("--switch-time-out-ms", flags.switch_time_out_ms, "late answers come a second after it");
    app.add_option(
        "--fault", flags.faults,
        "NAME=N, in N of 1000 requests: silent, late, twice, bad-mac, another-amount, close, decline");
}

iso8583::Result<routing::IssuerSimOptions> options_of(const Flags& flags) {
    auto options = routing::read_issuer_config(flags.config);
    if (!options) return options;
    routing::IssuerConfig& issuer = options->issuer;
    if (!flags.listen.empty()) options->listen = flags.listen;
    if (!flags.journal.empty()) options->journal = flags.journal;
    if (!flags.control.empty()) options->control = flags.control;
    options->durable = options->durable || flags.durable;
    if (flags.seed) issuer.seed = *flags.seed;
    if (flags.switch_time_out_ms) issuer.switch_time_out_ms = *flags.switch_time_out_ms;
    if (flags.latency_ms) issuer.faults.latency_ms_min = issuer.faults.latency_ms_max = *flags.latency_ms;
    if (flags.latency_ms_max) issuer.faults.latency_ms_max = *flags.latency_ms_max;
    if (!flags.dialect.empty())
        if (auto set = routing::set_dialect(issuer, flags.dialect); !set)
            return iso8583::parse_error("--dialect: " + set.error().what);
    if (issuer.pin_block_format == hsm::PinBlockFormat::iso4)
        issuer.dialect = &iso8583::with_aes_pin_block(*issuer.dialect);
    for (const std::string& fault : flags.faults)
        if (auto set = routing::set_fault(issuer.faults, fault); !set) return tl::unexpected(set.error());
    if (auto wrong = routing::check_issuer(issuer)) return iso8583::parse_error(*wrong);
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "issuer-sim: one issuer for tests, demos and load. Keys are under the test LMK: never in "
        "production.");
    Flags flags;
    declare(app, flags);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    auto options = options_of(flags);
    if (!options) return complain(options.error().what, exit_usage);

    hsm::make_failed_writes_errors();
    hsm::OpensslRandom random;
    hsm::HsmOptions hsm_options;
    hsm_options.zone_key_exchange = !options->issuer.zmk.empty();
    hsm::HsmEngine engine(hsm::Lmk::test(), random, hsm_options);
    if (auto tested = engine.self_test(); !tested) return complain(tested.error().what, exit_failed);
    routing::IssuerServer server(std::move(*options), engine);
    const auto ready = server.open();
    if (!ready) return complain(ready.error().what, exit_failed);
    std::printf("%s\n", ready->c_str());
    std::fflush(stdout);
    if (auto done = server.run(); !done) return complain(done.error().what, exit_failed);
    return 0;
}
