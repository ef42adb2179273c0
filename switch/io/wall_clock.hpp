// WallClock: makes Now of the machine's clocks and the switch's configured zone. The only place that reads a
// clock.
//
// Thread: one. Errors: none; zone_offset_s is as good as the machine's time zone data.
#pragma once

#include <string>

#include "iso8583/values/time_fields.hpp"

namespace acquirer {

class WallClock {
  public:
    /// Sets the process's zone: call at start-up, before any thread exists. An IANA name, checked by the
    /// configuration.
    explicit WallClock(const std::string& zone);
    [[nodiscard]] iso8583::Now now();

  private:
    /// Offsets change at whole quarters of an hour only; in between the last one holds.
    static constexpr std::int64_t offset_valid_ms = std::int64_t{15} * 60 * 1000;
    std::int64_t offset_quarter_ = -1;
    std::int32_t offset_s_ = 0;
};

/// Seconds east of UTC at `utc` in the process's zone.
std::int32_t zone_offset_s(iso8583::UtcTime utc);

}  // namespace acquirer
