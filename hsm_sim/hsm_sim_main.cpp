// hsm-sim: the software HSM as a server, and its subcommands. The composition root of this room.
#include <chrono>
#include <iostream>

#include "hsm_sim/control_client.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/pin_count_file.hpp"
#include "hsm_sim/process_hardening.hpp"
#include "hsm_sim/sim_options.hpp"
#include "hsm_sim/sim_server.hpp"

namespace hsm {
namespace {

std::int64_t seconds_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

int fail_start(const std::string& what) {
    std::cerr << "hsm-sim: " << what << '\n';
    return 1;
}

/// The chain, held against what was noted of it; its first line with a MAC says that they begin.
iso8583::Result<AuditChain> open_audit(const SimOptions& options, const AuditChain::Mac& mac) {
    std::optional<AuditChain::Head> noted;
    if (!options.audit_head.empty()) {
        auto read = AuditChain::read_head(options.audit_head, mac);
        if (!read) return tl::unexpected(read.error());
        noted = std::move(*read);
    }
    auto audit = AuditChain::open(options.audit, mac, noted);
    if (!audit || audit->is_keyed()) return audit;
    const auto begun = audit->append(time_now_text(), "start", {"audit_keyed", "audit", {}, std::nullopt});
    if (!begun) return tl::unexpected(begun.error());
    return audit;
}

int serve(const SimOptions& options) {
    forbid_core_dumps();
    make_failed_writes_errors();
    const auto locked = lock_memory();
    if (!locked && options.require_memory_lock) return fail_start(locked.error().what);
    std::optional<SealedLmk> sealed;
    std::optional<Lmk> lmk;
    std::shared_ptr<const Lmk> audit_lmk;
    if (options.lmk == "test") {
        lmk.emplace(Lmk::test());
        audit_lmk = std::make_shared<const Lmk>(Lmk::test());
    } else {
        const auto material = open_lmk_file(options.lmk, options.lmk_key, sealed.emplace());
        if (!material) return fail_start(material.error().what);
        lmk.emplace(*material);
        audit_lmk = std::make_shared<const Lmk>(*material);
    }
    auto audit = open_audit(options, audit_mac_of(audit_lmk));
    if (!audit) return fail_start(audit.error().what);
    SimJournal journal(std::move(*audit));
    journal.note_heads_in(options.audit_head, options.audit_syslog);
    if (!locked) journal.log("warning", "memory_not_locked", {{"why", locked.error().what}});

    if (options.lmk == "test")
        journal.log("warning", "test_lmk",
                    {{"why", "the TEST LMK is published and protects nothing; never use it with real keys"}});
    std::optional<PinCountFile> pin_counts;
    if (!options.pin_counts.empty()) {
        auto opened = PinCountFile::open(options.pin_counts);
        if (!opened) return fail_start(opened.error().what);
        pin_counts.emplace(std::move(*opened));
    }
    if (!pin_counts || pin_counts->is_new())
        journal.log(sealed ? "warning" : "info", "pin_counts_begin_at_zero",
                    {{"why", pin_counts ? options.pin_counts + " was not there"
                                        : "no --pin-counts: failed PINs are forgotten with the process"}});

    OpensslRandom random;
    HsmOptions engine_options;
    engine_options.observer = &journal;
    engine_options.authorised = options.authorised;
    engine_options.zone_key_exchange = options.zone_key_exchange;
    engine_options.decimalisation = options.decimalisation;
    engine_options.stored_decimalisation_tables = options.decimalisation_tables;
    engine_options.pin_bounds = options.pin_bounds;
    engine_options.pin_counts = pin_counts ? &*pin_counts : nullptr;
    engine_options.seconds_now = seconds_now;
    HsmEngine engine(std::move(*lmk), random, engine_options);
    const auto tested = engine.self_test();
    if (!tested) return fail_start(tested.error().what);
    if (pin_counts)
        if (const auto taken = engine.take_in_pin_counts(pin_counts->lines()); !taken)
            return fail_start(options.pin_counts + ": " + taken.error().what);
    if (options.authorised) journal.log("warning", "authorised", {{"why", "--authorised: meant for tests"}});

    HostCommandOptions command_options;
    command_options.format = options.format;
    command_options.working_key_kcv_bytes = options.working_key_kcv_bytes;
    command_options.sockets_max = options.connections_max;
    command_options.serial = options.serial;
    command_options.disabled = options.disabled;
    command_options.seconds_now = seconds_now;
    HostCommands commands(engine, command_options);
    Officers officers(engine, journal, std::move(sealed), options.authorised_seconds);
    // Everything that is opened later is a socket or one of its own files.
    if (const auto denied = deny_system_calls(); !denied) return fail_start(denied.error().what);
    return run_server(options, engine, journal, officers, commands);
}

int authorise(const SimOptions& options) {
    auto passphrase =
        read_secret_line("Officer " + std::to_string(options.officer) + ", your passphrase (not shown): ");
    if (!passphrase) return fail_start(passphrase.error().what);
    std::string& typed = *passphrase;
    std::string line = "authorise " + std::to_string(options.officer) + " " + typed + "\n";
    const int code = ask_control_socket(options.control, line);
    iso8583::zeroise(line.data(), line.size());
    iso8583::zeroise(typed.data(), typed.size());
    return code;
}

int run(const SimOptions& options) {
    switch (options.command) {
        case SimOptions::Command::serve:
            return serve(options);
        case SimOptions::Command::wrap_key:
            return wrap_key(options.wrap_key);
        case SimOptions::Command::wrap_table:
            return wrap_table();
        case SimOptions::Command::ceremony:
            return hold_ceremony(options.out, options.lmk_key);
        case SimOptions::Command::authorise:
            return authorise(options);
        case SimOptions::Command::revoke:
            return ask_control_socket(options.control, "revoke\n");
        case SimOptions::Command::status:
            return ask_control_socket(options.control, "status\n");
        case SimOptions::Command::verify_audit:
            return verify_audit({options.audit, options.audit_head, options.audit_lmk, options.lmk_key});
    }
    return 2;
}

}  // namespace
}  // namespace hsm

int main(int argc, char** argv) {
    const auto parsed = hsm::parse_sim_options(argc, argv);
    if (parsed.exit_code) return *parsed.exit_code;
    try {
        return hsm::run(parsed.options);
    } catch (const std::exception& error) {
        std::cerr << "hsm-sim: " << error.what() << '\n';
        return 1;
    }
}
