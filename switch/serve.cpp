#include "switch/serve.hpp"

#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hsm_sim/process_hardening.hpp"
#include "ledger/audit_hash.hpp"
#include "switch/admin/control_handler.hpp"
#include "switch/audit_guard.hpp"
#include "switch/back_up.hpp"
#include "switch/control_group.hpp"
#include "switch/exit_codes.hpp"
#include "switch/foundation.hpp"
#include "switch/io/clock_watch.hpp"
#include "switch/io/runtime.hpp"
#include "switch/vault_file_keeper.hpp"
#include "switch/verify_ledger.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

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

/// Says on stderr why the switch does not start.
int refuse_to_start(Log& log, WallClock& clock, std::string_view step, const std::string& why) {
    log.line(Severity::alarm, "not_started", {{"step", step}, {"detail", why}}, clock.now());
    return exit_failed;
}

std::string ready_line(const LoadedConfig& config, const ListeningAt& at) {
    std::string line = "ready";
    for (std::size_t i = 0; i < at.terminals.size(); ++i)
        line += " terminals." + std::string(name(config.listeners[i].profile)) + "=" + at.terminals[i];
    if (!at.metrics.empty()) line += " metrics=" + at.metrics;
    if (!at.control.empty()) line += " control=" + at.control;
    return line + " zone=" + config.configuration->zone + "\n";
}

std::vector<ledger::PanVault*> vaults_of(const Foundation& base) {
    std::vector<ledger::PanVault*> out;
    for (const auto& shard : base.shards) out.push_back(shard->vault.get());
    return out;
}

/// What stands between people and the cores. Thread: the loop's.
struct Operators {
    explicit Operators(Foundation& base)
        : keeper(base.config.store, base.data, base.first().opened.epoch, *base.hsm.vault_kek, base.random,
                 vaults_of(base)),
          control(base.config.operators, base.config.configuration->demo ? People::demo : People::accounts,
                  {ledger::audit_sha256, base.first().audit.key.get(), noted_heads_of(base)}, &*base.reload) {
        if (base.config.configuration->notices)
            notices.emplace(base.path_in_data(base.config.notices.directory));
        base.reload->tell_operators(
            [this](std::vector<OperatorAccount> o) { control.operators_replaced(std::move(o)); });
        control.judge_policies_by(
            [&reload = *base.reload](const std::string& text) { return reload.judge(text); });
    }

    VaultFileKeeper keeper;
    admin::OperatorsControl control;
    std::optional<NoticeFiles> notices;

  private:
    using People = admin::OperatorsControl::People;
    static NotedHead noted_heads_of(const Foundation& base) {
        if (base.config.audit.head_file.empty()) return {};
        return [&base](std::size_t shard) {
            return noted_audit_head(base.shards[shard]->config.audit.head_file);
        };
    }
};

RuntimeParts parts_of(Foundation& base, Operators& operators) {
    std::vector<ShardParts> parts;
    for (std::size_t index = 0; index < base.shards.size(); ++index)
        parts.push_back({*base.shards[index]->core, *base.shards[index]->overlay, *base.stores[index]});
    RuntimeParts out{std::move(parts), *base.hsm.access, base.log, base.clock, &operators.control, {}};
    out.reload = [&base]() -> ConfigurationPtr {
        base.tls->reload(base.log, base.clock);
        ConfigurationPtr fresh = (*base.reload)();
        if (fresh && base.first().opened.postgres != nullptr)
            base.first().opened.postgres->runs_by(fresh->hash);
        return fresh;
    };
    out.backup = [&base](const MakeBackup& order, const std::atomic<bool>& stop) {
        return back_up(base.shards, order, base.data, base.config.data, base.hsm.vault_kek->name(), stop);
    };
    out.apply_policy = [&base](const std::string& text) { return base.reload->apply(text); };
    out.lay_parties_over = [&base] { return base.reload->lay_parties_over(); };
    out.notices = operators.notices ? &*operators.notices : nullptr;
    out.tls = [&base] { return base.tls->status(); };
    out.role = [&base] { return active_role(base.config, base.first().opened.epoch); };
    out.cluster = base.first().opened.cluster_figures();
    out.merchants = base.merchants;
    out.vault = &operators.keeper;
    return out;
}

/// Notes the chain's head of each shard.
std::vector<std::unique_ptr<AuditHeads>> watch_audit_heads(Foundation& base) {
    std::vector<std::unique_ptr<AuditHeads>> out;
    for (std::size_t index = 0; index < base.shards.size(); ++index) {
        const ServedShard& shard = *base.shards[index];
        warn_of_a_ledger_ahead(*base.stores[index], base.log, base.clock);
        out.push_back(std::make_unique<AuditHeads>(base.reactor, *base.stores[index], *shard.audit.key,
                                                   shard.config.audit, base.log, base.clock));
    }
    return out;
}

int run(Foundation& base) {
    const auto refuse = [&base](std::string_view step, const std::string& why) {
        return refuse_to_start(base.log, base.clock, step, why);
    };
    Operators operators(base);
    if (!base.config.data.control_group.empty()) {
        const auto gid = open_control_directory(base.config.data.control_group, base.shell.control_path);
        if (!gid) return refuse("control socket", gid.error().what);
        base.shell.control_gid = *gid;
    }
    Runtime runtime(base.reactor, parts_of(base, operators), std::move(base.shell),
                    base.config.configuration);
    base.drain = [&runtime] { runtime.begin_to_stop(); };
    CertificateWatch certificates(base.reactor, *base.tls, base.log, base.clock);
    if (const auto recovered = runtime.recover(); !recovered)
        return refuse("recovery", recovered.error().what);
    const ClockWatch clocks(base.reactor, base.log, base.clock);
    const auto heads = watch_audit_heads(base);
    const auto at = runtime.listen();
    if (!at) return refuse("listening", at.error().what);
    // What is opened from here on is a file of its own or a socket.
    if (const auto denied = hsm::deny_system_calls(); !denied)
        return refuse("system calls", denied.error().what);
    std::fputs(ready_line(base.config, *at).c_str(), stdout);
    std::fflush(stdout);
    const int exit_code = runtime.run();
    runtime.end_backup();                                   // it reads the store
    for (const auto& of_shard : heads) of_shard->finish();  // so does it
    // Their committers may still be saying that a sync has ended: they must be gone before the runtime is.
    base.stores.clear();
    operators.notices.reset();  // the same of the thread that writes notices
    return exit_code;
}

}  // namespace

int serve(LoadedConfig config, const Flags& flags) {
    WallClock clock(config.configuration->time_zone);
    Log log;
    if (const auto hard = harden_process(config, log, clock); !hard)
        return refuse_to_start(log, clock, "memory", hard.error().what);
    Foundation base(std::move(config), flags, log, clock);
    const auto opened = base.open();
    if (!opened) return refuse_to_start(log, clock, opened.error().step, opened.error().what);
    if (*opened == Foundation::Opened::stopped) return exit_done;
    if (flags.verify) return verify_ledger(base.shards, clock.now());
    return run(base);
}

}  // namespace acquirer
