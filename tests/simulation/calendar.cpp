#include "tests/simulation/calendar.hpp"

namespace simulation {

Calendar choose_calendar(Swarm& swarm) {
    Calendar calendar;
    if (swarm.has("scheduled cut-over", 300)) {
        // Within the first minute or two, so that a clock that is set back meets it again; or at any time of
        // the day.
        constexpr std::int64_t minutes_a_day = 24 * 60, noon = 12 * 60;
        Chance chance = swarm.chance("cut-over minute");
        calendar.cutover_at_minute = static_cast<std::int32_t>(
            chance.permille(600) ? noon + chance.between(0, 1) : chance.between(0, minutes_a_day - 1));
    }
    const bool ends = swarm.has("summer ends", 150);
    const bool begins = swarm.has("summer begins", 100);
    if (!ends && !begins) {
        constexpr iso8583::UtcTime decade_ends_at{
            1'893'427'200'000};  // 2029-12-31 16:00 UTC, midnight in Shanghai
        if (swarm.has(end_of_a_decade, 40)) calendar.starts = decade_ends_at.plus_ms(-before_the_end_ms);
        return calendar;
    }
    constexpr iso8583::UtcTime ends_at{1'792'890'000'000};    // 2026-10-25 01:00 UTC
    constexpr iso8583::UtcTime begins_at{1'774'746'000'000};  // 2026-03-29 01:00 UTC
    calendar.berlin = true;
    calendar.cutover_at_minute = 2 * 60 + 30;              // comes twice, or not at all
    constexpr std::int64_t half_an_hour_ms = 30 * 60'000;  // before the end, at the first of the two
    calendar.starts = (ends ? ends_at.plus_ms(-half_an_hour_ms) : begins_at).plus_ms(-30'000);
    return calendar;
}

}  // namespace simulation
