// switch-bench idle: many connections that say nothing, from many addresses of loopback: what each costs the
// switch, how fast they are accepted, and what the terminals that do work notice. A stack of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/load.hpp"

namespace bench {

struct IdleOptions {
    LoadOptions load;  // the active terminals; its rate in requests a second
    std::uint32_t connections = 20'000;
    std::uint32_t addresses = 200;  // 127.1.0.1 and on
};

inline constexpr std::uint32_t idle_connections_max = 60'000;
inline constexpr std::uint32_t idle_addresses_max = 10'000;
inline constexpr double idle_accept_wait_s = 60;

/// Exit code: 0 done, 1 could not run or the switch closed some of them, 2 usage.
int run_idle(const IdleOptions& options);

}  // namespace bench
