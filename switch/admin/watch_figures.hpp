// What `refundctl watch` shows: rates and percentiles of the time between two answers of `status --steps`, as
// lines of a screen or as one answer of JSON. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "switch/core/view_value.hpp"

namespace acquirer::admin {

/// Answers to one kind of request.
struct KindFigures {
    std::int64_t answers = 0;                   // in the interval
    std::int64_t total = 0;                     // since the switch began
    std::map<std::string, std::int64_t> codes;  // the total by DE39
};

struct WatchFigures {
    std::int64_t interval_ms = 0;  // 0: this is the first look, or the switch began anew since the last
    std::int64_t answers = 0;      // in the interval
    std::optional<std::int64_t> p50_us, p99_us;              // of them; nothing when there are none
    std::map<std::string, KindFigures> kinds;                // by kind of request
    std::map<std::string, std::int64_t> exceptions_by_kind;  // opened since the switch began
    [[nodiscard]] double per_second(std::int64_t count) const {
        return interval_ms <= 0 ? 0 : static_cast<double>(count) * 1'000 / static_cast<double>(interval_ms);
    }
};

/// `before` is null at the first look.
WatchFigures figures_between(const View& before, const View& now);

/// As `refundctl watch --json` prints it: the interval's figures and what status says of now.
View watch_view(const View& status, const WatchFigures& figures);

struct ScreenSize {
    std::size_t columns = 80, rows = 24;
};
/// The last so many seconds are drawn as a line of bars.
inline constexpr std::size_t watch_seconds_kept = 60;

/// One screen: a line each, no longer than the screen is wide (escape sequences of colours do not count), no
/// more than it is high. `rates`: answers a second of the intervals before, oldest first. `trouble`: why the
/// figures are old; empty: they are not.
struct Screen {
    ScreenSize size;
    bool color = false;
};
std::vector<std::string> watch_screen(const Screen& screen, const View& status, const WatchFigures& figures,
                                      const std::vector<double>& rates, const std::string& trouble);

}  // namespace acquirer::admin
