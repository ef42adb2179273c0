// A zone with summer time for simulated worlds, made of bytes, so that no file of the machine is needed.
#pragma once

#include "iso8583/values/time_zone.hpp"

namespace simulation {

/// The clocks of Central Europe by the rule that holds since 1996.
[[nodiscard]] iso8583::TimeZone berlin();

}  // namespace simulation
