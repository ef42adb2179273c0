// `refund-switch --standby`: follows the active node's ledger and returns when it may be taken over.
// Meanwhile nothing listens but /healthz, /readyz (503, "standby of …") and /role.
//
// Thread: start-up's, which it keeps until then.
#pragma once

#include <string>

#include "switch/config/config.hpp"
#include "switch/io/log.hpp"
#include "switch/io/shell_setup.hpp"
#include "switch/io/wall_clock.hpp"

namespace acquirer {

enum class StoodBy : std::uint8_t { may_take, stopped };

/// An error is a sentence: what no waiting mends. `shell`: where metrics are served.
iso8583::Result<StoodBy> stand_by(const LoadedConfig& config, const std::string& data,
                                  const ShellSetup& shell, Log& log, WallClock& clock);

/// What /role says of the node that serves, as JSON.
std::string active_role(const LoadedConfig& config, std::uint64_t epoch);

}  // namespace acquirer
