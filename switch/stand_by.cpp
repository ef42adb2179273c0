#include "switch/stand_by.hpp"

#include <csignal>
#include <cstdio>
#include <utility>

#include "ledger/postgres_standby.hpp"
#include "switch/io/http.hpp"
#include "switch/io/service_manager.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

/// Names of nodes and addresses need no escapes; anything else is not ours, and is left out.
std::string member(const std::string& name, const std::string& text) {
    std::string out;
    for (const char c : text)
        if (c >= ' ' && c != '"' && c != '\\' && c != '\x7F') out += c;
    return ", \"" + name + "\": \"" + out + "\"";
}

std::string standby_role(const StoreOptions& store, const ledger::StandbyStatus& seen) {
    return "{\"role\": \"standby\"" + member("node", store.node) +
           ", \"shard\": " + std::to_string(store.shard) + ", \"epoch\": " + std::to_string(seen.epoch) +
           member("of", seen.owner) + member("address", seen.address) +
           ", \"turn\": " + std::to_string(seen.turn) + ", \"copy_turn\": " + std::to_string(seen.copy_turn) +
           member("trouble", seen.trouble) + "}\n";
}

std::string standby_metrics(const ledger::StandbyStatus& seen) {
    const std::uint64_t lag = seen.turn > seen.copy_turn ? seen.turn - seen.copy_turn : 0;
    const auto gauge = [](const std::string& name, std::uint64_t value) {
        const std::string full = "refund_switch_" + name;
        return "# TYPE " + full + " gauge\n" + full + " " + std::to_string(value) + "\n";
    };
    return gauge("shard_role", 0) + gauge("shard_epoch", seen.epoch) + gauge("store_copy_lag_turns", lag);
}

}  // namespace

std::string active_role(const LoadedConfig& config, std::uint64_t epoch) {
    if (config.store.engine == StoreEngine::rocks) return "{\"role\": \"active\"}\n";
    return "{\"role\": \"active\"" + member("node", config.store.node) +
           ", \"shard\": " + std::to_string(config.store.shard) + ", \"epoch\": " + std::to_string(epoch) +
           "}\n";
}

StandBy::StandBy(Log& log, WallClock& clock) : log_(log), clock_(clock) {
    for (const int signal : {SIGTERM, SIGINT}) reactor_.on_signal(signal, [this] { end(StoodBy::stopped); });
    reactor_.on_signal(SIGHUP, [this] { end(StoodBy::file_changed); });
}

void StandBy::end(StoodBy how) {
    if (ended_ != StoodBy::stopped) ended_ = how;
    reactor_.stop();
}

Result<StandBy::StoodBy> StandBy::wait(const LoadedConfig& config, const std::string& data,
                                       const ShellSetup& shell) {
    const auto options = postgres_options_of(config.store);
    if (!options) return tl::unexpected(options.error());
    failed_.clear();
    const auto may_end = [this, wait = ++waits_](const std::optional<ledger::StoreError>& why) {
        reactor_.post([this, wait, why] {
            if (wait != waits_) return;  // of a wait that something else has ended
            if (why) failed_ = why->what;
            end(StoodBy::may_take);
        });
    };
    auto standby = ledger::PostgresStandby::begin(*options, rocks_options_of(config, data),
                                                  config.configuration->hash, may_end);
    if (!standby) return parse_error(standby.error().what);
    const auto why_not_ready = [&] {
        const ledger::StandbyStatus seen = (*standby)->status();
        return "standby of " + (seen.owner.empty() ? "nobody yet" : "node " + seen.owner) +
               (seen.trouble.empty() ? "" : ": " + seen.trouble);
    };
    HttpServer http(reactor_, shell.bounds,
                    {[&] { return standby_metrics((*standby)->status()); }, why_not_ready,
                     [&] { return standby_role(config.store, (*standby)->status()); }});
    std::string at;
    if (shell.metrics) {
        auto listening = http.listen(*shell.metrics, shell.metrics_channel, shell.metrics_allow);
        if (!listening) return tl::unexpected(listening.error());
        at = " metrics=" + *listening;
    }
    log_.line(Severity::info, "standing_by", {{"node", config.store.node}}, clock_.now());
    log_.flush();
    std::fputs(("ready standby=" + config.store.node + at + "\n").c_str(), stdout);
    std::fflush(stdout);
    notify_service_manager("READY=1");
    reactor_.run();
    const ledger::StandbyStatus seen = (*standby)->status();
    standby->reset();  // the copy is the store's now
    if (!failed_.empty()) return parse_error(failed_);
    const StoodBy how = *std::exchange(ended_, std::nullopt);
    if (how == StoodBy::may_take)
        log_.line(
            Severity::warning, "taking_over",
            {{"from", seen.owner.empty() ? "nobody" : seen.owner}, {"epoch", std::to_string(seen.epoch)}},
            clock_.now());
    log_.flush();
    return how;
}

/// What it will serve by, and what the active node's is compared with.
void StandBy::read_file_again(LoadedConfig& config, const std::string& path) {
    ConfigSurroundings around = ConfigSurroundings::of_this_machine();
    around.listen_host = config.listen_host;
    auto wanted = load_config(path, around);
    const auto stays = [this](Severity severity, const char* event, const std::string& why) {
        log_.line(severity, event, {{"detail", why}, {"consequence", "the configuration read before stays"}},
                  clock_.now());
    };
    if (!wanted) return stays(Severity::alarm, "configuration_rejected", text(wanted.error()));
    wanted->store.node = config.store.node;
    const auto changed = restart_needed(config, *wanted);
    for (const std::string& sentence : changed) stays(Severity::warning, "restart_needed", sentence);
    if (!changed.empty()) return;
    config = std::move(*wanted);
    log_.line(Severity::info, "configuration_read_again", {{"hash", config.configuration->hash}},
              clock_.now());
}

Result<std::optional<OpenedStore>> StandBy::open_when_due(LoadedConfig& config, const std::string& path,
                                                          const std::string& data, StoreUse use,
                                                          const ShellSetup& shell) {
    for (;;) {
        const auto stood = wait(config, data, shell);
        if (!stood) return tl::unexpected(stood.error());
        if (*stood == StoodBy::stopped) return std::optional<OpenedStore>();
        if (*stood == StoodBy::file_changed) {
            read_file_again(config, path);
            continue;
        }
        auto opened = open_store(config, data, use);
        if (opened) return std::optional(std::move(*opened));
        // Another standby was faster, or the server went away just now: back to looking.
        using Kind = ledger::StoreError::Kind;
        const Kind kind = opened.error().kind;
        if (kind != Kind::locked && kind != Kind::io) return parse_error(opened.error().what);
        log_.line(Severity::warning, "not_taken_over", {{"detail", opened.error().what}}, clock_.now());
    }
}

}  // namespace acquirer
