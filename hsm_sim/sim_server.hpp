// hsm-sim's sockets: host commands over TCP or TLS, the metrics page, the officers' control socket. One
// thread.
#pragma once

#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/officers.hpp"
#include "hsm_sim/sim_journal.hpp"
#include "hsm_sim/sim_options.hpp"

namespace hsm {

/// Listens, prints the ready line, serves until SIGTERM or SIGINT, drains. 0; 1 when the audit could not be
/// written. Throws std::exception when it cannot start (address in use, certificate unreadable).
int run_server(const SimOptions& options, HsmEngine& engine, SimJournal& journal, Officers& officers,
               HostCommands& commands);

}  // namespace hsm
