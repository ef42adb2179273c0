#include "hsm_sim/sim_options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <map>

#include "iso8583/command_line/program.hpp"

namespace hsm {
namespace {

constexpr int usage_error = 2;

/// A word for a value of an enum. CLI11's own transformer shows the enum's number in the help, as a byte.
template <typename Enum>
void add_word_option(CLI::App& app, const std::string& name, Enum& value,
                     const std::map<std::string, Enum>& forms, const std::string& help) {
    std::vector<std::string> words;
    for (const auto& [word, form] : forms) words.push_back(word);
    app.add_option_function<std::string>(
           name, [&value, &forms](const std::string& word) { value = forms.at(word); }, help)
        ->transform(CLI::IsMember(words, CLI::ignore_case));
}

void add_key_flags(CLI::App& app, SimOptions& o) {
    app.add_option("--lmk", o.lmk, "'test' (published, protects nothing) or a sealed LMK file")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--lmk-key", o.lmk_key,
                   "key file that opens the sealed LMK; without it both officers type")
        ->type_name("FILE");
    app.add_flag("--authorised", o.authorised, "start in the authorised state; test LMK only");
    app.add_flag(
        "--zone-key-exchange", o.zone_key_exchange,
        "hand over and take in ZPKs and ZAKs under a ZMK without officers (issuer key change by 0800)");
    app.add_option("--authorised-seconds", o.authorised_seconds, "how long two officers open it")
        ->capture_default_str()
        ->check(CLI::Range(1, 86400));
    static const std::map<std::string, Decimalisation> forms = {{"clear", Decimalisation::clear},
                                                                {"encrypted", Decimalisation::encrypted},
                                                                {"stored", Decimalisation::stored}};
    add_word_option(app, "--decimalisation", o.decimalisation, forms, "how DA and EA bring their table");
    app.add_option("--decimalisation-table", o.decimalisation_tables,
                   "a stored table of 16 digits; the first is K0000")
        ->allow_extra_args(false);
    app.add_option("--working-key-kcv-bytes", o.working_key_kcv_bytes,
                   "4: BU gives 16 digits for working keys outside the authorised state too")
        ->capture_default_str()
        ->check(CLI::Range(3, 4));
}

void add_pin_flags(CLI::App& app, SimOptions& o) {
    app.add_option("--pin-failures-max", o.pin_bounds.account_and_key,
                   "failed PINs per account and key before 39; forgotten after a day without one")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--pin-failures-per-account-max", o.pin_bounds.account,
                   "the same of an account, under any key")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000));
    app.add_option("--pin-failures-per-key-max", o.pin_bounds.key, "the same of a key, for any account")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000000));
    app.add_option("--pin-failures-per-client-max", o.pin_bounds.client,
                   "the same of a client: the name in its certificate, without TLS its address")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000000));
    app.add_option("--pin-counts", o.pin_counts,
                   "file that keeps these counts over a restart; without it they begin at zero")
        ->type_name("FILE");
}

void add_wire_flags(CLI::App& app, SimOptions& o) {
    app.add_option("--listen", o.listen, "address for host commands; port 0 takes a free one")
        ->type_name("ADDRESS:PORT")
        ->capture_default_str();
    app.add_option("--header-length", o.format.header_length, "characters of the frame header, echoed")
        ->capture_default_str()
        ->check(CLI::Range(0, 255));
    static const std::map<std::string, PayshieldFormat::HexLength> lengths = {
        {"characters", PayshieldFormat::HexLength::characters}, {"bytes", PayshieldFormat::HexLength::bytes}};
    add_word_option(app, "--m6-hex-length", o.format.hex_length, lengths,
                    "what M6 and M8 count for hex input");
    app.add_option("--connections", o.connections_max, "connections at once")
        ->capture_default_str()
        ->check(CLI::Range(1, 4096));
    app.add_option("--frame-seconds", o.frame_seconds_max, "a frame that has begun must end within this")
        ->capture_default_str()
        ->check(CLI::Range(1, 3600));
    app.add_option("--handshake-seconds", o.handshake_seconds_max, "a TLS handshake must end within this")
        ->capture_default_str()
        ->check(CLI::Range(1, 3600));
    app.add_option("--idle-seconds", o.idle_seconds_max, "an idle connection is closed after this; 0: never")
        ->capture_default_str()
        ->check(CLI::Range(0, 86400));
    app.add_option("--drain-seconds", o.drain_seconds_max, "how long SIGTERM waits for answers to leave")
        ->capture_default_str()
        ->check(CLI::Range(1, 3600));
    app.add_option("--disable", o.disabled, "a command code that answers 68; may be repeated")
        ->allow_extra_args(false);
    app.add_option("--serial", o.serial, "12 characters for J2, J4, J8")->capture_default_str();
    app.add_option("--audit", o.audit,
                   "file of the chained audit of key operations; without it, memory and log only")
        ->type_name("FILE");
    app.add_option(
           "--audit-head", o.audit_head,
           "file elsewhere that the audit's last line is noted in, every second; a chain that ends before it "
           "is refused at the start")
        ->type_name("FILE");
    app.add_option("--audit-syslog", o.audit_syslog,
                   "note it in syslog as well: its socket, usually /dev/log")
        ->type_name("PATH");
    app.add_option("--metrics", o.metrics, "address of /metrics and /healthz")->type_name("ADDRESS:PORT");
    app.add_option("--control", o.control, "Unix socket for officers (authorise, revoke, status)")
        ->type_name("PATH");
    auto* cert =
        app.add_option("--tls-cert", o.tls_certificate, "certificate chain (PEM): host commands over TLS")
            ->type_name("FILE");
    auto* key =
        app.add_option("--tls-key", o.tls_key, "its private key (PEM)")->type_name("FILE")->needs(cert);
    auto* ca = app.add_option("--tls-client-ca", o.tls_client_ca, "who signs clients' certificates (PEM)")
                   ->type_name("FILE")
                   ->needs(cert);
    cert->needs(key)->needs(ca);
    app.add_flag("--require-memory-lock", o.require_memory_lock, "do not start when memory cannot be locked");
}

void add_wrap_key(CLI::App& app, SimOptions& o) {
    auto* wrap =
        app.add_subcommand("wrap-key", "a clear test key from stdin as key block under the test LMK");
    wrap->add_option("--type", o.wrap_key.type,
                     "000 ZMK, 001 ZPK, 002 TMK TPK PVK, 003 TAK, 008 ZAK, 009 BDK")
        ->capture_default_str();
    wrap->add_option("--scheme", o.wrap_key.scheme, "Z single, U double, T triple, S key block (AES)")
        ->capture_default_str();
    wrap->add_option("--kind", o.wrap_key.kind, "of an S block whose type is shared: TMK, TPK, PVK");
    wrap->add_option("--usage", o.wrap_key.usage, "TR-31 usage of an S block");
    wrap->add_option("--mode", o.wrap_key.mode, "TR-31 mode of use of an S block")->capture_default_str();
    wrap->add_option("--exportability", o.wrap_key.exportability, "E, N or S of an S block")
        ->capture_default_str();
}

command_line::Manual manual() {
    return {
        1,
        {"hsm-sim is a software HSM as a server: it keeps keys under its LMK, and makes and verifies MACs, "
         "PIN blocks and keys for whoever connects. A simulator for tests and demonstrations, not a "
         "certified device.",
         "Without a command it serves host commands until SIGTERM. Under the published test LMK (the "
         "default) its keys protect nothing; a real LMK is made by two officers with `hsm-sim ceremony`."},
        {{"0", "ended as asked"}, {"1", "failed"}, {"2", "usage"}},
        {},
        {},
        {{"hsm-sim --listen 127.0.0.1:1500", "a server with the test LMK."},
         {"hsm-sim ceremony --out lmk.sealed", "two officers make a real LMK."},
         {"hsm-sim --lmk lmk.sealed --lmk-key lmk.key --control hsm.sock --audit hsm.audit "
          "--pin-counts hsm.pins",
          "a server with a real one."},
         {"hsm-sim verify-audit hsm.audit", "is the audit whole?"}},
        {"refund-switch(8)", "refundctl(1)"}};
}

}  // namespace

iso8583::Result<HostPort> parse_host_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0)
        return iso8583::parse_error("address: needs host:port");
    HostPort out;
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    out.host = host;
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || port.empty())
        return iso8583::parse_error("address: the port needs a number from 0 to 65535");
    return out;
}

ParsedOptions parse_sim_options(int argc, char** argv) {
    ParsedOptions out;
    SimOptions& o = out.options;
    CLI::App app("a software HSM that speaks payShield-style host commands", "hsm-sim");
    add_wire_flags(app, o);
    add_key_flags(app, o);
    add_pin_flags(app, o);
    app.require_subcommand(0, 1);
    add_wrap_key(app, o);
    app.add_subcommand("wrap-table", "a decimalisation table from stdin, encrypted under the test LMK");
    auto* ceremony = app.add_subcommand("ceremony", "two officers make a real LMK at this terminal");
    ceremony->add_option("--out", o.out, "where the sealed LMK goes")->required()->type_name("FILE");
    ceremony->add_option("--key-file", o.lmk_key, "also make a key file for unattended starts")
        ->type_name("FILE");
    auto* authorise = app.add_subcommand("authorise", "one of two officers opens the authorised state");
    authorise->add_option("--control", o.control, "the server's control socket")
        ->required()
        ->type_name("PATH");
    authorise->add_option("--officer", o.officer, "1 or 2")->required()->check(CLI::Range(1, 2));
    for (const char* name : {"revoke", "status"})
        app.add_subcommand(name, "over the server's control socket")
            ->add_option("--control", o.control, "the server's control socket")
            ->required()
            ->type_name("PATH");
    auto* audit = app.add_subcommand("verify-audit", "checks the chain of an audit file");
    audit->add_option("file", o.audit, "the audit file")->required()->type_name("FILE");
    audit->add_option("--head", o.audit_head, "the file that its last line was noted in")->type_name("FILE");
    auto* lmk = audit
                    ->add_option("--lmk", o.audit_lmk,
                                 "\"test\" or the sealed LMK it was written under: checks its MACs too")
                    ->type_name("FILE");
    audit->add_option("--lmk-key", o.lmk_key, "opens a sealed LMK without its officers")
        ->type_name("FILE")
        ->needs(lmk);
    out.exit_code = command_line::Program(app, manual()).parse(argc, argv);
    if (out.exit_code) return out;
    static const std::map<std::string, SimOptions::Command> commands = {
        {"wrap-key", SimOptions::Command::wrap_key},
        {"wrap-table", SimOptions::Command::wrap_table},
        {"ceremony", SimOptions::Command::ceremony},
        {"authorise", SimOptions::Command::authorise},
        {"revoke", SimOptions::Command::revoke},
        {"status", SimOptions::Command::status},
        {"verify-audit", SimOptions::Command::verify_audit}};
    for (const CLI::App* sub : app.get_subcommands()) o.command = commands.at(sub->get_name());
    const auto complain = [&out](const std::string& what) {
        std::cerr << "hsm-sim: " << what << '\n';
        out.exit_code = usage_error;
    };
    if (o.wrap_key.mode.size() != 1) complain("--mode is one character");
    if (o.authorised && o.lmk != "test")
        complain("--authorised goes with the test LMK only; officers open a real one");
    if (o.command == SimOptions::Command::serve && o.audit.empty())
        for (const auto& [name, given] :
             {std::pair("--audit-head", &o.audit_head), std::pair("--audit-syslog", &o.audit_syslog)})
            if (!given->empty())
                complain(std::string(name) +
                         " needs --audit: without it there is no audit to note the end of");
    if (o.decimalisation == Decimalisation::stored && o.decimalisation_tables.empty())
        complain("--decimalisation stored needs --decimalisation-table");
    for (const std::string* address : {&o.listen, &o.metrics})
        if (!address->empty() && !parse_host_port(*address)) complain(*address + " is no host:port");
    return out;
}

}  // namespace hsm
