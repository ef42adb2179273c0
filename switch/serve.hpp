// From a configuration to a switch that serves, and to its end: what it stands on is opened (foundation.hpp),
// operators and shell are put on top of it, recovery goes before listening, and the ready line says where it
// listens.
//
// Thread: main's, which is the loop's until the process ends. Errors: one line of the log, `not_started`,
// with the step; the exit code.
#pragma once

#include "switch/config/config.hpp"
#include "switch/flags.hpp"

namespace acquirer {

/// With --verify: looks through the ledger instead. Returns the exit code.
int serve(LoadedConfig config, const Flags& flags);

}  // namespace acquirer
