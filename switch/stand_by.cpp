#include "switch/stand_by.hpp"

#include <csignal>
#include <cstdio>

#include "ledger/postgres_standby.hpp"
#include "switch/io/http.hpp"
#include "switch/io/reactor.hpp"
#include "switch/io/service_manager.hpp"
#include "switch/open_store.hpp"

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
    return "# TYPE shard_role gauge\nshard_role 0\n# TYPE shard_epoch gauge\nshard_epoch " +
           std::to_string(seen.epoch) + "\n# TYPE store_copy_lag_turns gauge\nstore_copy_lag_turns " +
           std::to_string(lag) + "\n";
}

}  // namespace

std::string active_role(const LoadedConfig& config, std::uint64_t epoch) {
    if (config.store.engine == StoreEngine::rocks) return "{\"role\": \"active\"}\n";
    return "{\"role\": \"active\"" + member("node", config.store.node) +
           ", \"shard\": " + std::to_string(config.store.shard) + ", \"epoch\": " + std::to_string(epoch) +
           "}\n";
}

Result<StoodBy> stand_by(const LoadedConfig& config, const std::string& data, const ShellSetup& shell,
                         Log& log, WallClock& clock) {
    const auto options = postgres_options_of(config.store);
    if (!options) return tl::unexpected(options.error());
    Reactor reactor;
    StoodBy how = StoodBy::stopped;
    std::string failed;
    auto standby =
        ledger::PostgresStandby::begin(*options, rocks_options_of(config, data), config.configuration->hash,
                                       [&](const std::optional<ledger::StoreError>& why) {
                                           reactor.post([&, why] {
                                               how = StoodBy::may_take;
                                               if (why) failed = why->what;
                                               reactor.stop();
                                           });
                                       });
    if (!standby) return parse_error(standby.error().what);
    const auto why_not_ready = [&] {
        const ledger::StandbyStatus seen = (*standby)->status();
        return "standby of " + (seen.owner.empty() ? "nobody yet" : "node " + seen.owner) +
               (seen.trouble.empty() ? "" : ": " + seen.trouble);
    };
    HttpServer http(reactor, shell.bounds,
                    {[&] { return standby_metrics((*standby)->status()); }, why_not_ready,
                     [&] { return standby_role(config.store, (*standby)->status()); }});
    std::string at;
    if (shell.metrics) {
        auto listening = http.listen(*shell.metrics, shell.metrics_channel, shell.metrics_allow);
        if (!listening) return tl::unexpected(listening.error());
        at = " metrics=" + *listening;
    }
    for (const int signal : {SIGTERM, SIGINT}) reactor.on_signal(signal, [&] { reactor.stop(); });
    log.line(Severity::info, "standing_by", {{"node", config.store.node}}, clock.now());
    log.flush();
    std::fputs(("ready standby=" + config.store.node + at + "\n").c_str(), stdout);
    std::fflush(stdout);
    notify_service_manager("READY=1");
    reactor.run();
    const ledger::StandbyStatus seen = (*standby)->status();
    standby->reset();  // the copy is the store's now
    if (!failed.empty()) return parse_error(failed);
    if (how == StoodBy::may_take)
        log.line(
            Severity::warning, "taking_over",
            {{"from", seen.owner.empty() ? "nobody" : seen.owner}, {"epoch", std::to_string(seen.epoch)}},
            clock.now());
    return how;
}

}  // namespace acquirer
