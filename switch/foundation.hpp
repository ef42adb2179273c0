// Foundation: what a served switch stands on, opened step by step before anything runs: data directory, HSM,
// stores, the configuration as the ledger lays itself over it, the vault's keys, a core for each shard. Where
// somebody only looks (--verify) the same is opened, and nothing is written.
//
// Owner: serve(), for the whole life of the process; members go in the opposite order of their opening.
// Thread: start-up's, which becomes the loop's. Errors: the step that failed, and a sentence for people.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hsm_sim/openssl_random.hpp"
#include "switch/config/config.hpp"
#include "switch/flags.hpp"
#include "switch/io/log.hpp"
#include "switch/io/reactor.hpp"
#include "switch/io/shards.hpp"
#include "switch/io/shell_setup.hpp"
#include "switch/io/wall_clock.hpp"
#include "switch/open_hsm.hpp"
#include "switch/open_shards.hpp"
#include "switch/reloader.hpp"
#include "switch/stand_by.hpp"
#include "switch/tls_contexts.hpp"

namespace acquirer {

struct Foundation {
    Foundation(LoadedConfig config, const Flags& flags, Log& log, WallClock& clock);
    Foundation(const Foundation&) = delete;
    Foundation& operator=(const Foundation&) = delete;

    /// `stopped`: asked to stop while it stood by.
    enum class Opened : std::uint8_t { all, stopped };
    iso8583::Result<Opened, NotReady> open();

    /// A path of the configuration: in the data directory, unless it is absolute.
    [[nodiscard]] std::string path_in_data(const std::string& name) const;
    [[nodiscard]] ServedShard& first() const { return *shards.front(); }

    LoadedConfig config;  // the running one
    const Flags& flags;
    Log& log;
    WallClock& clock;
    const std::string data;
    std::vector<std::unique_ptr<ServedShard>> shards;
    hsm::OpensslRandom random;
    Reactor reactor;
    std::optional<TlsContexts> tls;
    OpenedHsm hsm;
    /// What SIGTERM does. Asked to stop while the store is opened or recovered, the switch ends in order, as
    /// soon as it could serve.
    std::function<void()> drain = [] {};
    std::optional<StandBy> standby;
    std::vector<std::unique_ptr<ledger::Store>>
        stores;  // of the shards; apart: they go before a runtime does
    std::optional<Reloader> reload;
    ShellSetup shell;  // by the configuration as the ledger has laid itself over it
    ShardMap::Written merchants;

  private:
    using Step = iso8583::Result<void, NotReady>;
    Step open_data();
    Step open_hsm();
    iso8583::Result<Opened, NotReady> open_stores();
    Step lay_ledger_over();
    Step make_cores();
    [[nodiscard]] StoreUse use_of_stores() const;
    [[nodiscard]] ShellSetup shell_of(const LoadedConfig& of) const;
};

}  // namespace acquirer
