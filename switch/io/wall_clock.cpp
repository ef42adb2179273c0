#include "switch/io/wall_clock.hpp"

#include <time.h>

#include <chrono>
#include <cstdlib>

#include "switch/io/reactor.hpp"

namespace acquirer {

WallClock::WallClock(const std::string& zone) {
    // A name without the colon could be read as a POSIX rule.
    ::setenv("TZ", (":" + zone).c_str(), 1);
    ::tzset();
}

iso8583::Now WallClock::now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    iso8583::Now now;
    now.instant = Reactor::now();
    now.utc.ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    if (const std::int64_t quarter = now.utc.ms / offset_valid_ms; quarter != offset_quarter_) {
        offset_quarter_ = quarter;
        offset_s_ = zone_offset_s(now.utc);
    }
    now.local_offset_s = offset_s_;
    return now;
}

std::int32_t zone_offset_s(iso8583::UtcTime utc) {
    const time_t seconds = static_cast<time_t>(utc.ms / 1000);
    struct tm local {};
    ::localtime_r(&seconds, &local);
    return static_cast<std::int32_t>(local.tm_gmtoff);
}

}  // namespace acquirer
