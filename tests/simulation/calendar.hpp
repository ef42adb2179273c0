// When a world begins, in which zone, and when its business day ends: drawn by its swarm.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/simulation/actor.hpp"

namespace simulation {

/// The condition of a world over which RRNs begin anew: so long after its start the last day of 2029 ends.
inline constexpr const char* end_of_a_decade = "end of a decade";
inline constexpr std::int64_t before_the_end_ms = 30'000;

/// A zone without summer, or one in which it ends or begins within the minute; or the end of a decade.
struct Calendar {
    iso8583::UtcTime starts = usual_start;
    bool berlin = false;
    std::optional<std::int32_t> cutover_at_minute;
};

[[nodiscard]] Calendar choose_calendar(Swarm& swarm);

}  // namespace simulation
