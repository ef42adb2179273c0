#include "switch/io/clock_watch.hpp"

#include <sys/timex.h>

#include <cstdlib>
#include <ctime>

namespace acquirer {

namespace {

std::int64_t milliseconds_of(clockid_t id) {
    timespec now{};
    ::clock_gettime(id, &now);
    return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

}  // namespace

ClockReading read_clocks() {
    ClockReading reading;
    reading.steady_ms = milliseconds_of(CLOCK_BOOTTIME);
    reading.real_ms = milliseconds_of(CLOCK_REALTIME);
    timex state{};
    const int answer = ::adjtimex(&state);
    reading.synchronised = answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    return reading;
}

std::vector<ClockJudge::News> ClockJudge::look(const ClockReading& now) {
    std::vector<News> news;
    if (before_) {
        const std::int64_t by = (now.real_ms - before_->real_ms) - (now.steady_ms - before_->steady_ms);
        if (std::abs(by) >= jump_ms_min) news.push_back({News::Kind::jumped, by});
    }
    before_ = now;
    if (now.synchronised) {
        if (told_unsynchronised_ms_) news.push_back({News::Kind::synchronised, 0});
        told_unsynchronised_ms_.reset();
    } else if (!told_unsynchronised_ms_ || now.steady_ms - *told_unsynchronised_ms_ >= repeat_ms) {
        news.push_back({News::Kind::not_synchronised, 0});
        told_unsynchronised_ms_ = now.steady_ms;
    }
    return news;
}

ClockWatch::ClockWatch(Reactor& reactor, Log& log, WallClock& clock)
    : alarm_(reactor.alarm([this] { look(); })), log_(log), clock_(clock) {
    look();
}

void ClockWatch::look() {
    alarm_->set(Reactor::now().plus_ms(look_every_ms));
    for (const ClockJudge::News& news : judge_.look(read_clocks())) {
        switch (news.kind) {
            case ClockJudge::News::Kind::jumped:
                log_.line(Severity::alarm, "clock_jumped",
                          {{"by_ms", std::to_string(news.by_ms)},
                           {"detail", "business days, RRNs and DE7 follow this clock: is it right now?"}},
                          clock_.now());
                break;
            case ClockJudge::News::Kind::not_synchronised:
                log_.line(Severity::warning, "clock_not_synchronised",
                          {{"detail", "nothing keeps this machine's clock right (NTP)"}}, clock_.now());
                break;
            case ClockJudge::News::Kind::synchronised:
                log_.line(Severity::info, "clock_synchronised", {}, clock_.now());
                break;
        }
    }
}

}  // namespace acquirer
