// How `refund-switch` ends, as its manual page says (flags.cpp). A runtime has two ends more: exit_fenced and
// exit_store_gone (io/runtime.hpp).
#pragma once

namespace acquirer {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

}  // namespace acquirer
