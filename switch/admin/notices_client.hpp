// `refundctl notices tail`: the newest notices as JSON lines, and then each new one as it comes. Thread:
// main; blocks until it is stopped or has shown `count`.
#pragma once

#include <cstdint>

#include "switch/admin/list_client.hpp"

namespace acquirer::admin {

struct TailOptions {
    std::string as;
    std::uint64_t newest = 10;  // of those that are there already
    std::uint64_t count = 0;    // ends after so many lines; 0: goes on
};
inline constexpr std::uint64_t tail_newest_max = 1'000;
inline constexpr std::uint64_t tail_count_max = 1'000'000'000;

/// An answer without error when it ended by `count`; else the switch's refusal, or that it is not reached.
Answer tail_notices(const AskSwitch& ask, const TailOptions& options);

}  // namespace acquirer::admin
