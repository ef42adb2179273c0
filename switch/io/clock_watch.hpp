// Watches the wall clock: one that is set while the switch runs, and one that nobody keeps right. Business
// days, RRNs and DE7 follow the wall clock; what they make of a leap is the core's (docs/decisions/0044),
// that people hear of it is this.
//
// Owner: serve(), for as long as the shell runs. Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switch/io/log.hpp"
#include "switch/io/reactor.hpp"
#include "switch/io/wall_clock.hpp"

namespace acquirer {

struct ClockReading {
    std::int64_t real_ms = 0;    // since 1970
    std::int64_t steady_ms = 0;  // since the machine's start, its sleep included
    bool synchronised = true;    // the kernel's word: something keeps it right
};
ClockReading read_clocks();

/// What one reading says after the ones before. Pure.
class ClockJudge {
  public:
    static constexpr std::int64_t jump_ms_min = 1'000;
    static constexpr std::int64_t repeat_ms = 86'400'000;  // while it is not synchronised

    struct News {
        enum class Kind : std::uint8_t { jumped, not_synchronised, synchronised };
        Kind kind = Kind::jumped;
        std::int64_t by_ms = 0;  // jumped: ahead, or back below 0
        friend bool operator==(const News&, const News&) = default;
    };
    std::vector<News> look(const ClockReading& now);

  private:
    std::optional<ClockReading> before_;
    std::optional<std::int64_t> told_unsynchronised_ms_;  // by the steady clock
};

class ClockWatch {
  public:
    ClockWatch(Reactor& reactor, Log& log, WallClock& clock);

  private:
    static constexpr std::int64_t look_every_ms = 1'000;
    void look();

    std::unique_ptr<Alarm> alarm_;
    Log& log_;
    WallClock& clock_;
    ClockJudge judge_;
};

}  // namespace acquirer
