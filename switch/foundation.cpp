#include "switch/foundation.hpp"

#include <csignal>
#include <filesystem>
#include <utility>

#include "ledger/backup_directory.hpp"
#include "ledger/number_plan.hpp"
#include "switch/production.hpp"
#include "switch/shell_setup_of.hpp"
#include "switch/vault_file_keeper.hpp"
#include "switch/verify_ledger.hpp"

namespace acquirer {

using iso8583::Result;

namespace {

tl::unexpected<NotReady> not_ready(const char* step, std::string why) {
    return tl::unexpected(NotReady{step, std::move(why)});
}

/// What a range of terminals may do although it is weak (docs/security.md).
void warn_of_weak_terminals(const Configuration& config, Log& log, WallClock& clock) {
    for (const TerminalRange& range : config.terminals) {
        const std::string who =
            "terminals " + std::to_string(range.first) + " to " + std::to_string(range.last);
        if (range.mac.algorithm == hsm::MacAlgorithm::unionpay_ecb)
            log.line(
                Severity::warning, "ecb_mac",
                {{"detail", who + ": whoever sees one message of theirs can forge others; it rests on the "
                                  "protected channel that the configuration speaks of"}},
                clock.now());
        if (range.single_length_keys)
            log.line(Severity::warning, "single_length_keys",
                     {{"detail", who + ": may ask for single-length DES keys, which can be searched for"}},
                     clock.now());
    }
}

bool is_looked_at(const std::string& data, const Flags& flags) {
    return flags.verify && ledger::is_backup(data);
}

}  // namespace

Foundation::Foundation(LoadedConfig of, const Flags& by, Log& to, WallClock& at)
    : config(std::move(of)), flags(by), log(to), clock(at), data(data_directory_of(config, flags)) {}

std::string Foundation::path_in_data(const std::string& name) const {
    return std::filesystem::path(name).is_absolute() ? name : data + "/" + name;
}

Result<Foundation::Opened, NotReady> Foundation::open() {
    if (const auto opened = open_data(); !opened) return tl::unexpected(opened.error());
    if (const auto opened = open_hsm(); !opened) return tl::unexpected(opened.error());
    auto opened = open_stores();
    if (!opened || *opened == Opened::stopped) return opened;
    if (const auto laid = lay_ledger_over(); !laid) return tl::unexpected(laid.error());
    if (const auto made = make_cores(); !made) return tl::unexpected(made.error());
    return Opened::all;
}

Foundation::Step Foundation::open_data() {
    if (config.production && !flags.verify)
        if (const std::string why = why_unfit_for_production(
                config, {flags.config, data, flags.lmk_key_file, flags.vault_key_file, flags.allow_root});
            !why.empty())
            return not_ready("production", why);
    auto opened = open_directories(config, data, flags.verify ? DataUse::look : DataUse::begin);
    if (!opened) return not_ready("data directory", opened.error().what);
    shards = std::move(*opened);
    if (!is_looked_at(data, flags)) return {};
    const auto compared = compare_backup(data);
    if (!compared) return not_ready("data directory", compared.error().what);
    return {};
}

Foundation::Step Foundation::open_hsm() {
    reactor.give_up_unacknowledged_after(config.shell.peer_user_timeout_ms);
    auto contexts = TlsContexts::open(config);
    if (!contexts) return not_ready("TLS", contexts.error().what);
    tls = std::move(*contexts);
    auto opened = acquirer::open_hsm(config, *tls, {flags.lmk_key_file, flags.vault_key_file}, data, reactor,
                                     log, clock, random);
    if (!opened) return not_ready("HSM", opened.error().what);
    hsm = std::move(*opened);
    if (hsm.engine && hsm.engine->is_test_lmk())
        log.line(Severity::warning, "test_keys",
                 {{"detail", "the HSM runs under the published test LMK: its keys protect nothing"}},
                 clock.now());
    warn_of_weak_terminals(*config.configuration, log, clock);
    return {};
}

StoreUse Foundation::use_of_stores() const {
    if (is_looked_at(data, flags)) return StoreUse::look;
    return flags.as_restored ? StoreUse::accept_loss : StoreUse::serve;
}

ShellSetup Foundation::shell_of(const LoadedConfig& of) const {
    ShellSetup out = shell_setup_of(of, path_in_data(of.data.control_socket));
    tls->put_into(out, of);
    return out;
}

Result<Foundation::Opened, NotReady> Foundation::open_stores() {
    if (!flags.verify)
        for (const int signal : {SIGTERM, SIGINT}) reactor.on_signal(signal, [this] { drain(); });
    if (flags.standby) standby.emplace(log, clock);
    for (std::size_t index = 0; index < shards.size(); ++index) {
        ServedShard& shard = *shards[index];
        shard.config = config_of_shard(config, index);
        LoadedConfig& by = shards.size() == 1 ? config : shard.config;
        if (standby) {
            auto opened =
                standby->open_when_due(by, flags.config, shard.data, use_of_stores(), shell_of(config));
            if (!opened) return not_ready("store", opened.error().what);
            if (!*opened) return Opened::stopped;
            shard.opened = std::move(**opened);
        } else {
            auto opened = open_store(by, shard.data, use_of_stores());
            if (!opened) return not_ready("store", opened.error().what);
            shard.opened = std::move(*opened);
        }
        if (shards.size() > 1) shard.opened.numbers = ledger::plan_of_shard(index, shards.size());
    }
    if (shards.size() == 1) first().config = config;  // a standby may have read the file again
    const ShardsUse use = {flags.verify, flags.as_restored};
    if (const auto ready = ready_stores(shards, use, *hsm.audit_kek, random, log, clock); !ready)
        return tl::unexpected(ready.error());
    for (const auto& shard : shards) stores.push_back(std::move(shard->opened.store));
    return Opened::all;
}

Foundation::Step Foundation::lay_ledger_over() {
    reload.emplace(flags.config, config, *stores.front(), log, clock);  // what is of no merchant is in it
    if (const auto laid = reload->begin(); !laid)
        return not_ready("policy, merchants and terminals of the ledger", laid.error().what);
    shell = shell_of(config);
    return {};
}

Foundation::Step Foundation::make_cores() {
    const auto keys =
        vault_keys_of(config, with_most(stores), data, *hsm.vault_kek, random, clock.now().utc, flags.verify);
    if (!keys) return not_ready("vault key", keys.error().what);
    for (std::size_t index = 0; index < shards.size(); ++index) {
        shards[index]->make_core(config.configuration, *stores[index], *keys, index, shards.size());
        if (const auto added = add_merchants(merchants, *stores[index], index, shards.size()); !added)
            return not_ready("shards", added.error().what);
    }
    return {};
}

}  // namespace acquirer
