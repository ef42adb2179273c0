// issuer-sim: one issuer for tests, demos and load (docs/interfaces.md).
#include <CLI/CLI.hpp>
#include <cstdio>

#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/process_hardening.hpp"
#include "iso8583/command_line/program.hpp"
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
    std::string tls_certificate, tls_key, tls_client_ca;
    std::optional<std::uint64_t> seed;
    std::optional<std::uint32_t> latency_ms, latency_ms_max, switch_time_out_ms;
    std::vector<std::string> faults;
    bool durable = false;
};

void declare(CLI::App& app, Flags& flags) {
    app.add_option("--config", flags.config, "TOML file, as switch/config/issuer-a.toml")
        ->required()
        ->type_name("FILE");
    app.add_option("--listen", flags.listen, "where it listens; port 0 takes a free one")
        ->type_name("ADDRESS:PORT");
    app.add_option("--dialect", flags.dialect,
                   "how messages look: iso87-ascii, iso87-bcd …, or a dialect file")
        ->type_name("NAME");
    app.add_option("--journal", flags.journal, "append a JSON line per effect on the books to this file")
        ->type_name("FILE");
    app.add_option("--control", flags.control, "Unix socket for commands, one a line")->type_name("PATH");
    auto* cert =
        app.add_option("--tls-cert", flags.tls_certificate, "certificate chain (PEM): the port speaks TLS")
            ->type_name("FILE");
    auto* key =
        app.add_option("--tls-key", flags.tls_key, "its private key (PEM)")->type_name("FILE")->needs(cert);
    cert->needs(key);
    app.add_option("--tls-client-ca", flags.tls_client_ca,
                   "who signs clients' certificates (PEM); one is needed then")
        ->type_name("FILE")
        ->needs(cert);
    app.add_option("--seed", flags.seed, "for faults and latency by chance");
    app.add_flag("--durable", flags.durable, "sync the journal before answering");
    app.add_option("--latency-ms", flags.latency_ms, "delay every answer");
    app.add_option("--latency-ms-max", flags.latency_ms_max, "between --latency-ms and this, by chance");
    app.add_option("--switch-time-out-ms", flags.switch_time_out_ms, "late answers come a second after it");
    app.add_option("--fault", flags.faults,
                   "in N of 1000 requests: silent, late, twice, bad-mac, another-amount, close, decline")
        ->type_name("NAME=N");
}

iso8583::Result<routing::IssuerSimOptions> options_of(const Flags& flags) {
    auto options = routing::read_issuer_config(flags.config);
    if (!options) return options;
    routing::IssuerConfig& issuer = options->issuer;
    if (!flags.listen.empty()) options->listen = flags.listen;
    if (!flags.journal.empty()) options->journal = flags.journal;
    if (!flags.control.empty()) options->control = flags.control;
    options->durable = options->durable || flags.durable;
    options->tls_certificate = flags.tls_certificate;
    options->tls_key = flags.tls_key;
    options->tls_client_ca = flags.tls_client_ca;
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

command_line::Manual manual() {
    return {
        1,
        {"issuer-sim is an issuer with books of its own: it takes sales, refunds, voids and reversals over "
         "ISO 8583, answers them as its configuration, its faults by chance and its control socket say, "
         "and keeps a journal of what it has booked. Its keys are under the published test LMK: never use "
         "it in production.",
         "It prints one line when it listens, `ready` with its addresses, and ends on SIGTERM. Started on "
         "a journal that exists, it goes on with those books.",
         "The last four digits of an amount decide what becomes of a request: 9905 declines with 05, 9951 "
         "with 51, 9954 with 54, 9968 stays silent, 9969 answers late, 9970 twice, 9971 with a bad MAC, "
         "9972 approves another amount, 9980 gives discounts of a wallet's sale, 9991 closes the link, 9996 "
         "answers 96 to the first two tries of "
         "an advice."},
        {{"0", "ended as asked"},
         {"1", "its address, journal or keys are of no use"},
         {"2", "usage, or a configuration that is of no use"}},
        {},
        {{"switch/config/issuer-a.toml, issuer-b.toml", "the issuers of the demonstration."}},
        {{"issuer-sim --config switch/config/issuer-a.toml --journal a.journal --control a.sock",
          "the demonstration's issuer-a, with books and a socket for commands."},
         {"issuer-sim --config switch/config/issuer-b.toml --fault silent=10 --seed 7",
          "silent to one request in a hundred, the same ones each time."}},
        {"refund-switch(8)", "refundctl(1)", "hsm-sim(1)"}};
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("one issuer for tests, demos and load", "issuer-sim");
    Flags flags;
    declare(app, flags);
    if (const auto code = command_line::Program(app, manual()).parse(argc, argv)) return *code;
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
