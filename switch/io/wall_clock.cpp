#include "switch/io/wall_clock.hpp"

#include <chrono>

#include "switch/io/reactor.hpp"

namespace acquirer {

iso8583::Now WallClock::now() const {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    iso8583::Now now;
    now.instant = Reactor::now();
    now.utc.ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    now.local_offset_s = zone_.offset_s(now.utc);
    return now;
}

}  // namespace acquirer
