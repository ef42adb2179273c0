// WallClock: makes Now of the machine's clocks and the switch's configured zone. The only place that reads a
// clock.
//
// Thread: any. Errors: none.
#pragma once

#include <utility>

#include "iso8583/values/time_zone.hpp"

namespace acquirer {

class WallClock {
  public:
    explicit WallClock(iso8583::TimeZone zone) : zone_(std::move(zone)) {}
    [[nodiscard]] iso8583::Now now() const;

  private:
    iso8583::TimeZone zone_;
};

}  // namespace acquirer
