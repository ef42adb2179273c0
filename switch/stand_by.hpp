// `refund-switch --standby`: follows the active node's ledger, and opens its store when it may be taken over.
// Meanwhile nothing listens but /healthz, /readyz (503, "standby of …") and /role.
//
// Thread: start-up's, which it keeps until then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "switch/config/config.hpp"
#include "switch/io/log.hpp"
#include "switch/io/reactor.hpp"
#include "switch/io/shell_setup.hpp"
#include "switch/io/wall_clock.hpp"
#include "switch/open_store.hpp"

namespace acquirer {

/// Waits for the shard. Signals that come between two waits are kept for the next one; `Reactor::on_signal`
/// of another reactor hears them too. One for all waits of a process.
class StandBy {
  public:
    StandBy(Log& log, WallClock& clock);
    /// The store, once its owner's lease is over; nothing: it was stopped before that. An error is a
    /// sentence: what no waiting mends. `config`, which was read from the file `path`, may be read again
    /// meanwhile. `shell`: where metrics are served.
    iso8583::Result<std::optional<OpenedStore>> open_when_due(LoadedConfig& config, const std::string& path,
                                                              const std::string& data, StoreUse use,
                                                              const ShellSetup& shell);

  private:
    /// `file_changed`: SIGHUP, so that the file is to be read again.
    enum class StoodBy : std::uint8_t { may_take, stopped, file_changed };
    iso8583::Result<StoodBy> wait(const LoadedConfig& config, const std::string& data,
                                  const ShellSetup& shell);
    void end(StoodBy how);
    void read_file_again(LoadedConfig& config, const std::string& path);

    Log& log_;
    WallClock& clock_;
    Reactor reactor_;
    std::optional<StoodBy> ended_;
    std::string failed_;
    std::uint64_t waits_ = 0;
};

/// What /role says of the node that serves, as JSON.
std::string active_role(const LoadedConfig& config, std::uint64_t epoch);

}  // namespace acquirer
