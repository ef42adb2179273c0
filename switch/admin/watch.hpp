// `refundctl watch`: asks the switch for its status once a second and shows it on one screen of the terminal,
// or as JSON lines. The terminal is given back as it was: at the end, on a signal, and while stopped.
//
// Thread: main; signals that concern it are taken as events while it runs. Errors: an exit code of refundctl
// and a sentence on stderr.
#pragma once

#include <string>

namespace acquirer::admin {

struct WatchOptions {
    std::string socket;
    std::string as;      // of the demo
    bool json = false;   // an answer a second instead of a screen
    unsigned count = 0;  // ends after so many; 0: goes on
};
inline constexpr unsigned watch_count_max = 1'000'000;

/// 0 ended; 2 no terminal to show it on; 3 the switch cannot be reached (JSON alone: a screen waits for it).
int watch(const WatchOptions& options);

}  // namespace acquirer::admin
