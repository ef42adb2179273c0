// `refund-switch --standby`: follows the active node's ledger and returns when it may be taken over.
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

namespace acquirer {

/// `file_changed`: SIGHUP, so that the file is to be read again.
enum class StoodBy : std::uint8_t { may_take, stopped, file_changed };

/// Waits for the shard. Signals that come between two waits are kept for the next one; `Reactor::on_signal`
/// of another reactor hears them too. One for all waits of a process.
class StandBy {
  public:
    StandBy(Log& log, WallClock& clock);
    /// An error is a sentence: what no waiting mends. `shell`: where metrics are served.
    iso8583::Result<StoodBy> wait(const LoadedConfig& config, const std::string& data,
                                  const ShellSetup& shell);

  private:
    void end(StoodBy how);

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
