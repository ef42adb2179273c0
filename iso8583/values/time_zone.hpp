// TimeZone: what the clocks of one place have shown and will show: offsets and the instants at which they
// change, as a value. Whoever reads zone files makes it (switch/config); nothing here reads a file or a
// clock.
//
// Thread: immutable once made. Errors: parse_tzif names what is wrong with the bytes, never content. Source:
// RFC 8536 (TZif, versions 2 to 4), POSIX.1 "TZ" for the rule behind its last change.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"

namespace iso8583 {

class TimeZone {
  public:
    /// UTC.
    TimeZone() = default;
    static TimeZone fixed(std::int32_t offset_s);
    /// A compiled zone file of tzdata. Its rule for the future is followed up to the year 2100.
    static Result<TimeZone> parse_tzif(std::string_view bytes);

    /// Seconds east of UTC at that instant.
    [[nodiscard]] std::int32_t offset_s(UtcTime at) const;
    /// The first instant at which the local clock shows this date and minute of the day (0–1439), or more: a
    /// time that is left out in spring is the first instant after the gap, of a time that comes twice in
    /// autumn it is the first.
    [[nodiscard]] UtcTime first_at(Date date, std::int32_t minute_of_day) const;
    friend bool operator==(const TimeZone&, const TimeZone&) = default;

  private:
    struct Change {
        std::int64_t at_s = 0;  // since 1970, UTC
        std::int32_t offset_s = 0;
        friend bool operator==(const Change&, const Change&) = default;
    };
    std::int32_t first_offset_s_ = 0;  // before the first change
    std::vector<Change> changes_;      // by time
};

}  // namespace iso8583
