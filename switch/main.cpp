// refund-switch: the composition root. Reads flags and configuration, opens HSM, vault and store, puts the
// core into the shell and runs it. Everything concrete is known here and nowhere else.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/lmk_file.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/process_hardening.hpp"
#include "iso8583/command_line/program.hpp"
#include "ledger/audit_hash.hpp"
#include "ledger/backup_directory.hpp"
#include "ledger/postgres_cluster.hpp"
#include "ledger/restore_records.hpp"
#include "ledger/rocks_backup.hpp"
#include "ledger/rocks_store.hpp"
#include "ledger/vault_books.hpp"
#include "ledger/vault_key_file.hpp"
#include "switch/admin/control_handler.hpp"
#include "switch/audit_guard.hpp"
#include "switch/cluster_command.hpp"
#include "switch/config/config.hpp"
#include "switch/config/config_keys.hpp"
#include "switch/control_group.hpp"
#include "switch/core/merchant_money_check.hpp"
#include "switch/core/money_check.hpp"
#include "switch/core/recon_check.hpp"
#include "switch/core/switch_core.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/describe.hpp"
#include "switch/io/clock_watch.hpp"
#include "switch/io/hsm_client.hpp"
#include "switch/io/runtime.hpp"
#include "switch/lmk_key_encryption.hpp"
#include "switch/open_shards.hpp"
#include "switch/open_store.hpp"
#include "switch/production.hpp"
#include "switch/reloader.hpp"
#include "switch/report_export.hpp"
#include "switch/shell_setup_of.hpp"
#include "switch/stand_by.hpp"
#include "switch/tls_contexts.hpp"
#include "switch/vault_file_keeper.hpp"

namespace {

using namespace acquirer;
using iso8583::parse_error;
using iso8583::Result;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

constexpr const char* demo_key_file_name = "vault-kek.hex";
constexpr std::size_t lmk_file_bytes_max = std::size_t{64} * 1024;

struct Flags {
    std::string config;
    std::string data;
    std::string lmk_key_file;
    std::string vault_key_file;
    std::string describe;
    bool check = false;
    bool verify = false;
    bool standby = false;
    bool as_restored = false;
    bool allow_root = false;
    std::string node;
    std::string listen_host;
    ClusterInit cluster_init;
    std::string import_from;
    ClusterMove cluster_move;
    std::string export_to;
    ReportTarget report;
};

/// Tells the log what the embedded HSM refused, and why; it never gets a secret.
class HsmLog final : public hsm::HsmObserver {
  public:
    HsmLog(Log& log, WallClock& clock) : log_(log), clock_(clock) {}
    void refused(hsm::HsmFault fault, std::string_view why) override {
        log_.stranger_line("hsm_refused", "hsm", {{"code", hsm::code(fault)}, {"detail", why}}, clock_.now());
    }
    // The switch asks for nothing but terminals' working keys; sign-ons have notes of their own.
    void key_operated(const hsm::KeyOperation&) override {}

  private:
    Log& log_;
    WallClock& clock_;
};

Result<hsm::Lmk> open_lmk_of(const LoadedConfig& config, const Flags& flags) {
    if (config.hsm.lmk == "test") return hsm::Lmk::test();
    if (flags.lmk_key_file.empty())
        return parse_error("the LMK in " + config.hsm.lmk +
                           " is sealed: --lmk-key-file names the key that opens it");
    const auto text = hsm::read_secret_file(config.hsm.lmk, lmk_file_bytes_max);
    if (!text) return tl::unexpected(text.error());
    const auto sealed = hsm::SealedLmk::parse(*text);
    if (!sealed) return parse_error(config.hsm.lmk + ": " + sealed.error().what);
    const auto key_text = hsm::read_secret_file(flags.lmk_key_file, lmk_file_bytes_max);
    if (!key_text) return tl::unexpected(key_text.error());
    const auto key = hsm::parse_lmk_component(key_text->substr(0, key_text->find('\n')));
    if (!key) return parse_error(flags.lmk_key_file + ": " + key.error().what);
    const auto material = hsm::open_lmk(*sealed, *key);
    if (!material) return parse_error(config.hsm.lmk + ": " + material.error().what);
    return hsm::Lmk(*material);
}

/// The HSM as the switch uses it, and what seals the vault key beside it.
struct Hsm {
    std::unique_ptr<hsm::HsmEngine> engine;
    std::unique_ptr<HsmAccess> access;
    std::unique_ptr<ledger::KeyEncryption> vault_kek;
    std::unique_ptr<ledger::KeyEncryption> audit_kek;
};

Result<Hsm> open_embedded(const LoadedConfig& config, const Flags& flags, hsm::OpensslRandom& random,
                          HsmLog& observer, WallClock& clock) {
    auto lmk = open_lmk_of(config, flags);
    if (!lmk) return tl::unexpected(lmk.error());
    auto sealing_lmk = open_lmk_of(config, flags);
    if (!sealing_lmk) return tl::unexpected(sealing_lmk.error());
    auto audit_lmk = open_lmk_of(config, flags);
    if (!audit_lmk) return tl::unexpected(audit_lmk.error());
    hsm::HsmOptions options;
    options.observer = &observer;
    options.zone_key_exchange = config.hsm.zone_key_exchange;
    options.seconds_now = [&clock] { return clock.now().utc.ms / 1000; };
    Hsm out;
    out.engine = std::make_unique<hsm::HsmEngine>(std::move(*lmk), random, options);
    if (const auto tested = out.engine->self_test(); !tested) return tl::unexpected(tested.error());
    out.access = std::make_unique<EmbeddedHsm>(*out.engine);
    out.vault_kek = std::make_unique<LmkKeyEncryption>(std::move(*sealing_lmk), random);
    out.audit_kek =
        std::make_unique<LmkKeyEncryption>(std::move(*audit_lmk), random, LmkKeyEncryption::Use::hmac);
    return out;
}

Result<std::unique_ptr<ledger::KeyEncryption>> key_file_of(const LoadedConfig& config, const Flags& flags,
                                                           const std::string& data,
                                                           hsm::OpensslRandom& random) {
    std::string path = flags.vault_key_file;
    if (path.empty() && !config.configuration->demo)
        return parse_error(
            "with an HSM over TCP the vault key is sealed under a key file: --vault-key-file names it");
    if (path.empty()) path = data + "/" + demo_key_file_name;
    auto kek = std::filesystem::exists(path) || !config.configuration->demo
                   ? ledger::KeyFileKek::load(path)
                   : ledger::KeyFileKek::create(path, random);
    if (!kek) return tl::unexpected(kek.error());
    return std::make_unique<ledger::KeyFileKek>(std::move(*kek));
}

Result<Hsm> open_hsm(const LoadedConfig& config, const TlsContexts& tls, const Flags& flags,
                     const std::string& data, Reactor& reactor, Log& log, WallClock& clock,
                     hsm::OpensslRandom& random, HsmLog& observer) {
    if (config.hsm.embedded) return open_embedded(config, flags, random, observer, clock);
    auto kek = key_file_of(config, flags, data, random);
    if (!kek) return tl::unexpected(kek.error());
    auto audit_kek = key_file_of(config, flags, data, random);
    if (!audit_kek) return tl::unexpected(audit_kek.error());
    Hsm out;
    HsmClientSetup setup = hsm_client_setup_of(config);
    (config.production ? setup.refused_lmk : setup.warned_lmk) =
        iso8583::to_hex(hsm::Lmk::test().check_value());
    tls.put_into(setup, config);
    out.access = std::make_unique<HsmClient>(reactor, log, clock, std::move(setup));
    out.vault_kek = std::move(*kek);
    out.audit_kek = std::move(*audit_kek);
    return out;
}

std::string ready_line(const LoadedConfig& config, const ListeningAt& at) {
    std::string line = "ready";
    for (std::size_t i = 0; i < at.terminals.size(); ++i)
        line += " terminals." + std::string(name(config.listeners[i].profile)) + "=" + at.terminals[i];
    if (!at.metrics.empty()) line += " metrics=" + at.metrics;
    if (!at.control.empty()) line += " control=" + at.control;
    return line + " zone=" + config.configuration->zone + "\n";
}

/// Says on stderr why the switch does not start.
int refuse_to_start(Log& log, WallClock& clock, std::string_view step, const std::string& why) {
    log.line(Severity::alarm, "not_started", {{"step", step}, {"detail", why}}, clock.now());
    return exit_failed;
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

struct OrphanSums {
    std::size_t records = 0, open = 0, orphans = 0;
    void add(const OrphanSums& other) {
        records += other.records;
        open += other.open;
        orphans += other.orphans;
    }
    void print(const char* of) const {
        std::fprintf(stdout, "%s%zu transactions, %zu not final, %zu orphans\n", of, records, open, orphans);
    }
};

/// The whole ledger against I1, I2, I12, I13, its sealed cards, the audit chain, reconciliation and I6a, the
/// last as a start of the switch would find it: recovered in memory, and nothing written.
int report_orphans(SwitchCore& core, ledger::Overlay& overlay, const ledger::PanVault& vault,
                   const ledger::AuditKey* audit_key, const iso8583::Now& now, OrphanSums& sums) {
    std::vector<std::string> faults;
    const auto money = find_money_faults(overlay);
    if (!money) {
        std::fprintf(stderr, "refund-switch: %s\n", money.error().what.c_str());
        return exit_failed;
    }
    for (const std::string& fault : money->faults) faults.push_back("money: " + fault);
    ledger::Ledger books(overlay);
    books.recover();
    const auto merchants = find_merchant_money_faults(overlay, books.totals());
    if (!merchants) {
        std::fprintf(stderr, "refund-switch: %s\n", merchants.error().what.c_str());
        return exit_failed;
    }
    for (const std::string& fault : merchants->faults) faults.push_back("money: " + fault);
    const auto seals = ledger::find_seal_faults(overlay, vault);
    if (!seals) {
        std::fprintf(stderr, "refund-switch: %s\n", seals.error().what.c_str());
        return exit_failed;
    }
    for (const std::string& fault : seals->faults) faults.push_back("sealed card: " + fault);
    if (const auto chain =
            ledger::verify_audit_chain(overlay, ledger::audit_sha256, std::nullopt, {}, audit_key);
        !chain)
        faults.push_back("audit chain: " + chain.error().what);
    if (const auto recovered = core.recover(now); !recovered) {
        std::fprintf(stderr, "refund-switch: recovery: %s\n", recovered.error().what.c_str());
        return exit_failed;
    }
    core.close_turn(1);
    const auto report = find_orphans(overlay, *core.live_work());
    if (!report) {
        std::fprintf(stderr, "refund-switch: %s\n", report.error().what.c_str());
        return exit_failed;
    }
    const auto recon = find_recon_faults(overlay);
    if (!recon) {
        std::fprintf(stderr, "refund-switch: %s\n", recon.error().what.c_str());
        return exit_failed;
    }
    for (const std::string& fault : recon->faults) faults.push_back("reconciliation: " + fault);
    for (const std::string& fault : faults) std::fprintf(stdout, "%s\n", fault.c_str());
    for (const ledger::SealCount& of : seals->keys)
        std::fprintf(stdout, "%llu cards are sealed under vault key %u\n",
                     static_cast<unsigned long long>(of.cards), of.key);
    for (const Orphan& orphan : report->orphans) std::fprintf(stdout, "orphan: %s\n", orphan.words.c_str());
    const OrphanSums found{report->records, report->open, report->orphans.size()};
    found.print("");
    sums.add(found);
    return report->orphans.empty() && faults.empty() ? exit_done : exit_failed;
}

/// Runs beside the turns, on a thread of the runtime's.
BackupEnded back_up(const std::vector<std::unique_ptr<ServedShard>>& shards, const MakeBackup& order,
                    const std::string& data, const DataOptions& options, std::string_view sealed_under,
                    const std::atomic<bool>& stop) {
    std::vector<ledger::BackedUpStore> stores;
    for (const auto& shard : shards) {
        const bool is_only = shards.size() == 1;
        stores.push_back({shard->opened.rocks, is_only ? "" : ledger::shard_directory_name(stores.size())});
    }
    if (stores.front().store == nullptr)
        return {false, "the ledger lies on PostgreSQL, whose own backups are those of the ledger", {}};
    ledger::BackupOrder wanted;
    wanted.directory = order.directory;
    wanted.data = data;
    wanted.made = order.at;
    wanted.business_day = order.business_day;
    wanted.by = order.by;
    wanted.configuration = order.configuration;
    wanted.sealed_under = sealed_under;
    wanted.disk_free_bytes_min = static_cast<std::uint64_t>(options.disk_free_mib_min) << 20;
    const auto made = ledger::make_backup(stores, wanted, stop);
    if (!made) return {false, made.error().what, {}};
    return {true,
            "backup " + made->mark.id + " up to turn " + std::to_string(made->mark.turn) + " is in " +
                order.directory,
            made->mark.id,
            made->mark.turn,
            made->files.size(),
            made->bytes()};
}

ShardsUse manner_of(const Flags& flags) { return {flags.verify, flags.as_restored}; }

bool is_looked_at(const std::string& data, const Flags& flags) {
    return flags.verify && ledger::is_backup(data);
}

/// Of a backup that is only to be verified compares every file with the manifest, before anything is
/// believed.
Result<void> look_at_backup(const std::string& data, const Flags& flags) {
    if (!is_looked_at(data, flags)) return {};
    const std::atomic<bool> stop = false;
    const auto manifest = ledger::read_manifest(data);
    if (!manifest) return tl::unexpected(manifest.error());
    const std::vector<std::string> faults = ledger::compare_with_manifest(data, *manifest, stop);
    for (const std::string& fault : faults) std::fprintf(stdout, "backup: %s\n", fault.c_str());
    if (!faults.empty()) return parse_error(data + ": is not the backup that its manifest says");
    return {};
}

/// Makes the shard's directory its owner's alone. Says which backup its store was made from. `whole`: the
/// data directory, where a restore begins.
Result<std::optional<ledger::BackupMark>> open_data(const LoadedConfig& config, const std::string& data,
                                                    const std::string& whole, const Flags& flags) {
    std::error_code error;
    const bool here = config.store.engine == StoreEngine::rocks;
    const std::string store = store_directory(config, data);
    const bool has_store = std::filesystem::exists(store, error);
    if (here && flags.verify && !has_store) return parse_error(store + ": no ledger is there");
    if (!here && std::filesystem::exists(data + "/" + ledger::store_name, error))
        return parse_error(data + "/" + ledger::store_name +
                           ": a ledger of one machine is there, and [store] engine is \"postgres\"");
    if (here && !has_store && std::filesystem::exists(whole + "/" + ledger::restoring_name, error))
        return parse_error(whole + "/" + ledger::restoring_name +
                           ": a restore was cut short: begin it again (refundctl restore)");
    std::filesystem::create_directories(data, error);
    if (error) return parse_error(data + ": " + error.message());
    ::chmod(data.c_str(), S_IRWXU);
    return ledger::backup_mark_of(data);
}

Result<void> harden_process(const LoadedConfig& config, Log& log, WallClock& clock) {
    hsm::forbid_core_dumps();
    hsm::make_failed_writes_errors();
    const MemoryLock wanted = config.data.memory_lock;
    if (config.configuration->demo || wanted == MemoryLock::none) return {};
    const auto locked = hsm::lock_memory();
    if (locked) return {};
    if (wanted == MemoryLock::required)
        return parse_error(locked.error().what + ", or say [data] memory_lock = \"tried\"");
    log.line(Severity::warning, "memory_not_locked", {{"detail", locked.error().what}}, clock.now());
    return {};
}

/// A path of the configuration: in the data directory, unless it is absolute.
std::string path_in(const std::string& data, const std::string& name) {
    return std::filesystem::path(name).is_absolute() ? name : data + "/" + name;
}

admin::OperatorsControl::People people_of(const LoadedConfig& config) {
    using People = admin::OperatorsControl::People;
    return config.configuration->demo ? People::demo : People::accounts;
}

/// The file as this node reads it, or the sentence about the flag that cannot be.
Result<ConfigSurroundings> surroundings_of(const Flags& flags) {
    ConfigSurroundings around = ConfigSurroundings::of_this_machine();
    if (flags.listen_host.empty()) return around;
    const bool v6 = flags.listen_host.find(':') != std::string::npos && flags.listen_host.front() != '[';
    const auto at = Endpoint::parse((v6 ? "[" + flags.listen_host + "]" : flags.listen_host) + ":0");
    if (!at) return parse_error("--listen-host " + flags.listen_host + " is no address and no name");
    around.listen_host = at->host;
    return around;
}

/// The file again, for a standby: what it will serve by, and what the active node's is compared with.
void read_file_again(LoadedConfig& config, const Flags& flags, Log& log, WallClock& clock) {
    ConfigSurroundings around = ConfigSurroundings::of_this_machine();
    around.listen_host = config.listen_host;
    auto wanted = load_config(flags.config, around);
    const auto stays = [&](Severity severity, const char* event, const std::string& why) {
        log.line(severity, event, {{"detail", why}, {"consequence", "the configuration read before stays"}},
                 clock.now());
    };
    if (!wanted) return stays(Severity::alarm, "configuration_rejected", text(wanted.error()));
    wanted->store.node = config.store.node;
    const auto changed = restart_needed(config, *wanted);
    for (const std::string& sentence : changed) stays(Severity::warning, "restart_needed", sentence);
    if (!changed.empty()) return;
    config = std::move(*wanted);
    log.line(Severity::info, "configuration_read_again", {{"hash", config.configuration->hash}}, clock.now());
}

StoreUse use_of(const std::string& data, const Flags& flags) {
    if (is_looked_at(data, flags)) return StoreUse::look;
    return flags.as_restored ? StoreUse::accept_loss : StoreUse::serve;
}

/// The store; as a standby once its owner's lease is over. Nothing: it was stopped before that.
Result<std::optional<OpenedStore>> open_when_due(LoadedConfig& config, const Flags& flags,
                                                 const std::string& data, StoreUse use,
                                                 const ShellSetup& shell, Log& log, WallClock& clock,
                                                 StandBy* standby) {
    for (;;) {
        if (standby != nullptr) {
            const auto stood = standby->wait(config, data, shell);
            if (!stood) return tl::unexpected(stood.error());
            if (*stood == StoodBy::stopped) return std::optional<OpenedStore>();
            if (*stood == StoodBy::file_changed) {
                read_file_again(config, flags, log, clock);
                continue;
            }
        }
        auto opened = open_store(config, data, use);
        if (opened) return std::optional(std::move(*opened));
        // Another standby was faster, or the server went away just now: back to looking.
        using Kind = ledger::StoreError::Kind;
        const Kind kind = opened.error().kind;
        if (standby == nullptr || (kind != Kind::locked && kind != Kind::io))
            return parse_error(opened.error().what);
        log.line(Severity::warning, "not_taken_over", {{"detail", opened.error().what}}, clock.now());
    }
}

int verify(const std::vector<std::unique_ptr<ServedShard>>& shards, const iso8583::Now& now) {
    int exit_code = exit_done;
    OrphanSums sums;
    for (std::size_t index = 0; index < shards.size(); ++index) {
        if (shards.size() > 1) std::fprintf(stdout, "shard %zu:\n", index);
        ServedShard& shard = *shards[index];
        exit_code = std::max(exit_code, report_orphans(*shard.core, *shard.overlay, *shard.vault,
                                                       shard.audit.of_stored_chain(), now, sums));
    }
    if (shards.size() > 1) sums.print("in all: ");
    return exit_code;
}

int serve(LoadedConfig config, const Flags& flags) {
    WallClock clock(config.configuration->time_zone);
    Log log;
    if (const auto hard = harden_process(config, log, clock); !hard)
        return refuse_to_start(log, clock, "memory", hard.error().what);
    const std::string data = flags.data.empty() ? config.data.directory : flags.data;
    if (config.production && !flags.verify)
        if (const std::string why = why_unfit_for_production(
                config, {flags.config, data, flags.lmk_key_file, flags.vault_key_file, flags.allow_root});
            !why.empty())
            return refuse_to_start(log, clock, "production", why);
    if (const auto settled = settle_shard_count(config, data, flags.verify ? DataUse::look : DataUse::begin);
        !settled)
        return refuse_to_start(log, clock, "data directory", settled.error().what);
    std::vector<std::unique_ptr<ServedShard>> shards;
    for (std::size_t index = 0; index < static_cast<std::size_t>(config.store.shards); ++index) {
        auto shard = std::make_unique<ServedShard>();
        shard->data = shard_directory(config, data, index);
        auto mark = open_data(config, shard->data, data, flags);
        if (!mark) return refuse_to_start(log, clock, "data directory", mark.error().what);
        shard->mark = std::move(*mark);
        shards.push_back(std::move(shard));
    }
    if (const auto looked = look_at_backup(data, flags); !looked)
        return refuse_to_start(log, clock, "data directory", looked.error().what);

    hsm::OpensslRandom random;
    HsmLog observer(log, clock);
    Reactor reactor;
    reactor.give_up_unacknowledged_after(config.shell.peer_user_timeout_ms);
    auto tls = TlsContexts::open(config);
    if (!tls) return refuse_to_start(log, clock, "TLS", tls.error().what);
    auto hsm = open_hsm(config, *tls, flags, data, reactor, log, clock, random, observer);
    if (!hsm) return refuse_to_start(log, clock, "HSM", hsm.error().what);
    if (hsm->engine && hsm->engine->is_test_lmk())
        log.line(Severity::warning, "test_keys",
                 {{"detail", "the HSM runs under the published test LMK: its keys protect nothing"}},
                 clock.now());
    warn_of_weak_terminals(*config.configuration, log, clock);
    const auto shell_of = [&](const LoadedConfig& of) {
        ShellSetup shell = shell_setup_of(of, path_in(data, of.data.control_socket));
        tls->put_into(shell, of);
        return shell;
    };
    // Asked to stop while the store is opened or recovered: it ends in order, as soon as it could serve.
    std::function<void()> drain = [] {};
    if (!flags.verify)
        for (const int signal : {SIGTERM, SIGINT}) reactor.on_signal(signal, [&drain] { drain(); });
    std::optional<StandBy> standby;
    if (flags.standby) standby.emplace(log, clock);
    for (std::size_t index = 0; index < shards.size(); ++index) {
        ServedShard& shard = *shards[index];
        shard.config = config_of_shard(config, index);
        auto opened =
            open_when_due(shards.size() == 1 ? config : shard.config, flags, shard.data, use_of(data, flags),
                          shell_of(config), log, clock, standby ? &*standby : nullptr);
        if (!opened) return refuse_to_start(log, clock, "store", opened.error().what);
        if (!*opened) return exit_done;
        shard.opened = std::move(**opened);
        if (shards.size() > 1) shard.opened.numbers = ledger::plan_of_shard(index, shards.size());
    }
    if (shards.size() == 1) shards.front()->config = config;  // a standby may have read the file again
    if (const auto ready = ready_stores(shards, manner_of(flags), *hsm->audit_kek, random, log, clock);
        !ready)
        return refuse_to_start(log, clock, ready.error().step, ready.error().what);
    std::vector<std::unique_ptr<ledger::Store>> stores;  // apart: they go before the runtime does
    for (const auto& shard : shards) stores.push_back(std::move(shard->opened.store));
    ServedShard& first = *shards.front();
    ledger::Store& first_store = *stores.front();  // what is of no merchant is in it
    Reloader reload(flags.config, config, first_store, log, clock);
    if (const auto laid = reload.begin(); !laid)
        return refuse_to_start(log, clock, "policy, merchants and terminals of the ledger",
                               laid.error().what);
    ShellSetup shell = shell_of(config);  // what the ledger lays over it is in it now; the one before is gone
    const auto keys = vault_keys_of(config, with_most(stores), data, *hsm->vault_kek, random, clock.now().utc,
                                    flags.verify);
    if (!keys) return refuse_to_start(log, clock, "vault key", keys.error().what);
    ShardMap::Written merchants;
    for (std::size_t index = 0; index < shards.size(); ++index) {
        shards[index]->make_core(config.configuration, *stores[index], *keys, index, shards.size());
        if (const auto added = add_merchants(merchants, *stores[index], index, shards.size()); !added)
            return refuse_to_start(log, clock, "shards", added.error().what);
    }
    if (flags.verify) return verify(shards, clock.now());
    std::vector<ledger::PanVault*> vaults;
    for (const auto& shard : shards) vaults.push_back(shard->vault.get());
    VaultFileKeeper keeper(config.store, data, first.opened.epoch, *hsm->vault_kek, random, vaults);
    NotedHead noted_head;
    if (!config.audit.head_file.empty())
        noted_head = [&shards](std::size_t shard) {
            return noted_audit_head(shards[shard]->config.audit.head_file);
        };
    admin::OperatorsControl control(config.operators, people_of(config),
                                    {ledger::audit_sha256, first.audit.key.get(), noted_head}, &reload);
    std::optional<NoticeFiles> notices;
    if (config.configuration->notices) notices.emplace(path_in(data, config.notices.directory));
    reload.tell_operators(
        [&control](std::vector<OperatorAccount> o) { control.operators_replaced(std::move(o)); });
    control.judge_policies_by([&reload](const std::string& text) { return reload.judge(text); });
    const auto make_backup = [&](const MakeBackup& order, const std::atomic<bool>& stop) {
        return back_up(shards, order, data, config.data, hsm->vault_kek->name(), stop);
    };
    const auto apply_policy = [&reload](const std::string& text) { return reload.apply(text); };
    const auto reload_all = [&]() -> ConfigurationPtr {
        tls->reload(log, clock);
        ConfigurationPtr fresh = reload();
        if (fresh && first.opened.postgres != nullptr) first.opened.postgres->runs_by(fresh->hash);
        return fresh;
    };
    if (!config.data.control_group.empty()) {
        const auto gid = open_control_directory(config.data.control_group, shell.control_path);
        if (!gid) return refuse_to_start(log, clock, "control socket", gid.error().what);
        shell.control_gid = *gid;
    }
    std::vector<ShardParts> parts;
    for (std::size_t index = 0; index < shards.size(); ++index)
        parts.push_back({*shards[index]->core, *shards[index]->overlay, *stores[index]});
    Runtime runtime(reactor,
                    RuntimeParts{parts, *hsm->access, log, clock, &control, reload_all, make_backup,
                                 apply_policy, [&reload] { return reload.lay_parties_over(); },
                                 notices ? &*notices : nullptr, [&tls] { return tls->status(); },
                                 [&] { return active_role(config, first.opened.epoch); },
                                 first.opened.cluster_figures(), merchants, &keeper},
                    std::move(shell), config.configuration);
    drain = [&runtime] { runtime.begin_to_stop(); };
    CertificateWatch certificates(reactor, *tls, log, clock);
    if (const auto recovered = runtime.recover(); !recovered)
        return refuse_to_start(log, clock, "recovery", recovered.error().what);
    const ClockWatch clocks(reactor, log, clock);
    std::vector<std::unique_ptr<AuditHeads>> heads;
    for (std::size_t index = 0; index < shards.size(); ++index) {
        warn_of_a_ledger_ahead(*stores[index], log, clock);
        heads.push_back(std::make_unique<AuditHeads>(reactor, *stores[index], *shards[index]->audit.key,
                                                     shards[index]->config.audit, log, clock));
    }
    const auto at = runtime.listen();
    if (!at) return refuse_to_start(log, clock, "listening", at.error().what);
    // What is opened from here on is a file of its own or a socket.
    if (const auto denied = hsm::deny_system_calls(); !denied)
        return refuse_to_start(log, clock, "system calls", denied.error().what);
    std::fputs(ready_line(config, *at).c_str(), stdout);
    std::fflush(stdout);
    const int exit_code = runtime.run();
    runtime.end_backup();                                   // it reads the store
    for (const auto& of_shard : heads) of_shard->finish();  // so does it
    // Their committers may still be saying that a sync has ended: they must be gone before the runtime is.
    stores.clear();
    notices.reset();  // the same of the thread that writes notices
    return exit_code;
}

/// What flags and [store] say together that cannot be; empty: nothing.
std::string why_unfit(const StoreOptions& store, const Flags& flags) {
    if (store.engine == StoreEngine::rocks)
        return flags.standby || !flags.node.empty()
                   ? "--standby and --node belong to [store] engine = \"postgres\""
               : flags.as_restored && flags.verify ? "--as-restored starts the switch, --verify only looks"
                                                   : "";
    if (flags.as_restored) return "--as-restored belongs to [store] engine = \"rocks\"";
    if (store.node.empty())
        return "[store.postgres] node or --node is needed: each switch has a name of its own";
    const auto word = config::word(store.node);
    return word ? "" : "--node " + word.error().what;
}

int describe(const std::string& what, const std::optional<LoadedConfig>& config) {
    std::string out;
    if (what == "states") out = describe_states();
    if (what == "rules") out = describe_rules();
    if (what == "dialects") out = describe_dialects();
    if (what == "config") out = describe_config();
    if (what == "limits") {
        LoadedConfig defaults;
        defaults.configuration = std::make_shared<Configuration>();
        out = describe_limits(config.value_or(defaults));
    }
    std::fputs(out.c_str(), stdout);
    return exit_done;
}

command_line::Manual manual() {
    return {
        8,
        {"refund-switch takes sales, refunds, voids and reversals from terminals, decides on them by rules "
         "that anyone can read, sends them to the issuers and keeps its ledger right through time-outs, "
         "retries and crashes: what it has answered is durable.",
         "It logs JSON lines to standard error. Standard output carries one line when it listens: `ready` "
         "with its addresses and its control socket. SIGTERM stops it: it takes no new work, finishes what "
         "is in flight, syncs and exits 0. SIGHUP reloads the configuration; what needs a restart is said "
         "in the log. It never asks a question but for a sealed LMK, whose officers type at its terminal."},
        {{"0", "ended as asked, or checked and found good"},
         {"1", "did not start, or failed; the log's last line says why"},
         {"2", "usage"},
         {"4", "another node has taken the shard over: start it again as its standby"},
         {"5", "the data directory's files were taken away while it ran"}},
        {},
        {{"switch/config/demo.toml", "the demonstration's configuration, with every section explained."},
         {"DATA/control.sock", "the socket that refundctl asks."},
         {"DATA/store", "the ledger."},
         {"DATA/shards", "how many shards there are, when they are several: DATA/shard_00/store …"},
         {"DATA/vault.key", "the keys of the PAN vault, sealed under the LMK or under --vault-key-file."}},
        {{"refund-switch --config switch.toml --check", "is the configuration usable?"},
         {"refund-switch --config switch.toml --data /var/lib/refund-switch", "runs it."},
         {"refund-switch --config switch.toml --verify",
          "looks through the ledger of a switch that does not run."},
         {"refund-switch --describe rules", "every refusal with its rule."}},
        {"refundctl(1)", "issuer-sim(1)", "hsm-sim(1)"}};
}

struct ClusterCommands {
    CLI::App* init = nullptr;
    CLI::App* status = nullptr;
    CLI::App* import = nullptr;
    CLI::App* move = nullptr;
    CLI::App* move_out = nullptr;
};

ClusterCommands add_cluster_commands(CLI::App& app, Flags& flags) {
    CLI::App* cluster = app.add_subcommand("cluster", "the tables of a ledger that lies on PostgreSQL");
    cluster->require_subcommand(1)->fallthrough();
    ClusterCommands out;
    out.init = cluster->add_subcommand("init", "make them in an empty database");
    out.init->add_option("--shards", flags.cluster_init.shards, "how many")
        ->check(CLI::Range(1U, ledger::cluster_shards_max))
        ->type_name("N");
    out.init
        ->add_option("--owner", flags.cluster_init.owner,
                     "the role that makes and owns them (the configuration's user works on them)")
        ->type_name("ROLE");
    out.init->add_option("--owner-password-file", flags.cluster_init.owner_password_file, "its password")
        ->type_name("FILE");
    out.status = cluster->add_subcommand("status", "who owns which shard, until when, at which turn");
    out.import = cluster->add_subcommand(
        "import", "move the ledger of one machine, whose switch is stopped, into a new shard");
    out.import->add_option("--from", flags.import_from, "its data directory")->type_name("DIR")->required();
    out.move = cluster->add_subcommand(
        "move", "let the shard go to another node, which stands by, in an orderly way");
    out.move->add_option("--to", flags.cluster_move.to, "the node's name")->type_name("NODE")->required();
    out.move->add_option("--wait", flags.cluster_move.wait_seconds, "how long for it (120)")
        ->check(CLI::Range(1U, 3'600U))
        ->type_name("SECONDS");
    out.move_out =
        cluster->add_subcommand("export", "move a shard, whose switches are stopped, out to one machine");
    out.move_out->add_option("--to", flags.export_to, "a data directory without a ledger")
        ->type_name("DIR")
        ->required();
    for (CLI::App* command : {out.init, out.status, out.import, out.move, out.move_out})
        command->fallthrough();
    return out;
}

CLI::App* add_export_command(CLI::App& app, ReportTarget& to) {
    CLI::App* all = app.add_subcommand("export", "the ledger for programs of others");
    all->require_subcommand(1)->fallthrough();
    CLI::App* postgres = all->add_subcommand(
        "postgres",
        "into the schema report of a database, for people's SQL: from a switch that is stopped, from a "
        "backup, or from a copy of the shard of its own (--data)");
    postgres->fallthrough();
    postgres->add_option("--hosts", to.hosts, "servers; whichever may be written is used")
        ->delimiter(',')
        ->required()
        ->type_name("NODES");
    postgres->add_option("--database", to.database, "(report)")->type_name("NAME");
    postgres->add_option("--user", to.user, "(report)")->type_name("NAME");
    postgres->add_option("--password-file", to.password_file, "its first line is the password")
        ->type_name("FILE");
    postgres->add_option("--tls-ca", to.tls_ca, "who signs the servers' certificates")->type_name("FILE");
    return postgres;
}

/// Its exit code; nothing when it was none of these.
std::optional<int> run_cluster_command(const ClusterCommands& commands, const LoadedConfig& config,
                                       const Flags& flags) {
    if (commands.init->parsed()) return cluster_init(config, flags.cluster_init);
    if (commands.status->parsed()) return cluster_status(config);
    if (commands.move->parsed()) return cluster_move(config, flags.cluster_move);
    if (commands.move_out->parsed()) return cluster_export(config, flags.export_to);
    if (commands.import->parsed()) return cluster_import(config, flags.import_from);
    return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
    Flags flags;
    CLI::App app{"an acquirer's switch for sales, refunds, voids and reversals over ISO 8583",
                 "refund-switch"};
    app.add_option("--config", flags.config, "the configuration file (TOML; --describe config explains it)")
        ->type_name("FILE");
    app.add_option("--data", flags.data, "the data directory (wins over the configuration's)")
        ->type_name("DIR");
    app.add_option("--lmk-key-file", flags.lmk_key_file,
                   "opens a sealed LMK without its officers (embedded HSM)")
        ->type_name("FILE");
    app.add_option("--vault-key-file", flags.vault_key_file,
                   "seals the PAN vault's key when the HSM is reached over TCP")
        ->type_name("FILE");
    app.add_option("--describe", flags.describe, "print what the program decides by, and exit")
        ->check(CLI::IsMember({"states", "rules", "dialects", "limits", "config"}));
    app.add_flag("--check", flags.check, "check the configuration and exit");
    app.add_flag("--verify", flags.verify,
                 "look through the ledger of a switch that does not run for transactions that nothing and "
                 "nobody waits for, and exit: 0 when there are none");
    app.add_flag(
        "--as-restored", flags.as_restored,
        "start although the ledger lies behind what was acknowledged: as one that was restored from a "
        "backup, which takes no new work before two people have reconciled and accepted it (R65)");
    app.add_flag("--allow-root", flags.allow_root,
                 "run as root although the configuration says production = true");
    app.add_flag("--standby", flags.standby,
                 "follow the node that serves, and take over when its lease is over ([store] engine = "
                 "\"postgres\")");
    app.add_option("--node", flags.node, "this node's name (wins over the configuration's)")
        ->type_name("NAME");
    app.add_option("--listen-host", flags.listen_host,
                   "this node's address, where [listen] has the ports (wins over the hosts there)")
        ->type_name("HOST");
    const ClusterCommands cluster = add_cluster_commands(app, flags);
    const CLI::App* export_command = add_export_command(app, flags.report);
    if (const auto code = command_line::Program(app, manual()).parse(argc, argv)) return *code;
    if (flags.config.empty()) {
        if (!flags.describe.empty()) return describe(flags.describe, std::nullopt);
        std::fputs(
            "refund-switch: --config FILE is needed (switch/config/demo.toml is the demonstration's)\n",
            stderr);
        return exit_usage;
    }
    const auto around = surroundings_of(flags);
    if (!around) {
        std::fputs(("refund-switch: " + around.error().what + "\n").c_str(), stderr);
        return exit_usage;
    }
    auto config = load_config(flags.config, *around);
    if (!config) {
        std::fputs((text(config.error()) + "\n").c_str(), stderr);
        return exit_failed;
    }
    if (!flags.describe.empty()) return describe(flags.describe, *config);
    if (const auto code = run_cluster_command(cluster, *config, flags)) return *code;
    if (export_command->parsed())
        return export_report(*config, flags.data.empty() ? config->data.directory : flags.data, flags.report);
    if (!flags.node.empty()) config->store.node = flags.node;
    if (const auto why = why_unfit(config->store, flags); !why.empty()) {
        std::fputs(("refund-switch: " + why + "\n").c_str(), stderr);
        return exit_usage;
    }
    if (flags.check) {
        std::fputs((flags.config + ": usable\n").c_str(), stdout);
        return exit_done;
    }
    return serve(std::move(*config), flags);
}
