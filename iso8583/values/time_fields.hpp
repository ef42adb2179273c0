// Dates and times as the messages carry them, and Now as the core receives it. No clock is read here.
// Source: ISO 8583:1987 DE7 (MMDDhhmmss, UTC), DE12 (hhmmss local), DE13/15 (MMDD local).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace iso8583 {

/// A civil (proleptic Gregorian) date.
struct Date {
    std::int16_t year = 1970;
    std::uint8_t month = 1;  // 1–12
    std::uint8_t day = 1;    // 1–31

    static Date from_days(std::int32_t days_since_1970);
    static Result<Date> parse_yyyymmdd(std::string_view eight_digits);
    static Result<Date> parse_iso(std::string_view yyyy_mm_dd);
    [[nodiscard]] std::int32_t days() const;  // since 1970-01-01
    [[nodiscard]] int day_of_year() const;    // 1–366
    [[nodiscard]] std::string mmdd() const;   // DE13, DE15
    [[nodiscard]] std::string yyyymmdd() const;
    [[nodiscard]] std::string iso() const;  // 2026-11-21
    [[nodiscard]] Date plus_days(std::int32_t n) const { return from_days(days() + n); }
    friend auto operator<=>(const Date&, const Date&) = default;
};
bool is_valid_date(int year, int month, int day);

/// The business day a transaction is committed in (DE15). Advances only by a stored cut-over.
struct BusinessDate {
    Date date;
    [[nodiscard]] BusinessDate next() const { return {date.plus_days(1)}; }
    friend auto operator<=>(const BusinessDate&, const BusinessDate&) = default;
};

/// Milliseconds since 1970-01-01T00:00:00Z. Stored deadlines and record times are these.
struct UtcTime {
    std::int64_t ms = 0;
    [[nodiscard]] UtcTime plus_ms(std::int64_t n) const { return {ms + n}; }
    friend auto operator<=>(const UtcTime&, const UtcTime&) = default;
};

/// A monotonic reading, milliseconds; only for deadlines in memory, never stored.
struct Instant {
    std::int64_t ms = 0;
    [[nodiscard]] Instant plus_ms(std::int64_t n) const { return {ms + n}; }
    friend auto operator<=>(const Instant&, const Instant&) = default;
};

/// Date and time of day somewhere (UTC, or the switch's zone).
struct CivilTime {
    Date date;
    std::uint8_t hour = 0, minute = 0, second = 0;
    [[nodiscard]] std::string hhmmss() const;  // DE12
    friend auto operator<=>(const CivilTime&, const CivilTime&) = default;
};
CivilTime civil_from_utc(UtcTime utc, std::int32_t offset_s = 0);

/// What the core knows of the world's clocks in one step; made by the shell or the simulator.
struct Now {
    Instant instant;
    UtcTime utc;
    std::int32_t local_offset_s = 0;  // of the switch's configured zone at `utc`
    [[nodiscard]] CivilTime local() const { return civil_from_utc(utc, local_offset_s); }
};
/// "2026-11-21T21:47:52.123+08:00": for people, in the switch's zone.
std::string local_iso(UtcTime utc, std::int32_t offset_s);

/// Transmission date and time (DE7): MMDDhhmmss in UTC, no year.
class TransmissionTime {
  public:
    constexpr TransmissionTime() = default;
    static Result<TransmissionTime> parse(std::string_view ten_digits);
    static TransmissionTime from_utc(UtcTime utc);
    [[nodiscard]] std::string str() const;                        // ten digits
    [[nodiscard]] std::uint32_t value() const { return value_; }  // MMDDhhmmss as a number
    static TransmissionTime of(std::uint32_t value);
    /// The shorter way round a year between two of them, as if it were a leap year.
    [[nodiscard]] std::int64_t seconds_from(TransmissionTime other) const;
    friend auto operator<=>(const TransmissionTime&, const TransmissionTime&) = default;

  private:
    std::uint32_t value_ = 0;
};

/// The newest date with this month and day that is not after `not_after` (DE61.3, DE13 have no year);
/// 0229 goes back to a leap year.
Result<Date> resolve_year(std::string_view mmdd, Date not_after);

}  // namespace iso8583
