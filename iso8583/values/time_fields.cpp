#include "iso8583/values/time_fields.hpp"

#include <algorithm>
#include <cstdlib>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {
namespace {

bool is_leap(int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }
int days_in_month(int y, int m) {
    static constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return m == 2 && is_leap(y) ? 29 : days[m - 1];
}
int two(std::string_view t, std::size_t at) { return (t[at] - '0') * 10 + (t[at + 1] - '0'); }
/// Each of the numbers with two digits, the separator between them. Written by hand, into one string of the
/// right size: several of these stand in every message and record.
template <typename... Number>
std::string two_digits_each(std::string_view separator, Number... numbers) {
    std::string out(2 * sizeof...(numbers) + separator.size() * (sizeof...(numbers) - 1), '\0');
    char* at = out.data();
    const auto add = [&](unsigned number) {
        if (at != out.data()) at = std::copy(separator.begin(), separator.end(), at);
        *at++ = static_cast<char>('0' + number / 10);
        *at++ = static_cast<char>('0' + number % 10);
    };
    (add(static_cast<unsigned>(numbers)), ...);
    return out;
}

}  // namespace

bool is_valid_date(int year, int month, int day) {
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days_in_month(year, month);
}

// Civil-date arithmetic over 400-year eras that begin on the first of March.
Date Date::from_days(std::int32_t days_since_1970) {
    const std::int32_t z = days_since_1970 + 719468;
    const std::int32_t era = (z >= 0 ? z : z - 146096) / 146097;
    const auto doe = static_cast<std::uint32_t>(z - era * 146097);
    const std::uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const std::uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const std::uint32_t mp = (5 * doy + 2) / 153;
    const std::uint32_t d = doy - (153 * mp + 2) / 5 + 1;
    const std::uint32_t m = mp < 10 ? mp + 3 : mp - 9;
    const std::int32_t y = static_cast<std::int32_t>(yoe) + era * 400 + (m <= 2 ? 1 : 0);
    return {static_cast<std::int16_t>(y), static_cast<std::uint8_t>(m), static_cast<std::uint8_t>(d)};
}

std::int32_t Date::days() const {
    const std::int32_t y = year - (month <= 2 ? 1 : 0);
    const std::int32_t era = (y >= 0 ? y : y - 399) / 400;
    const auto yoe = static_cast<std::uint32_t>(y - era * 400);
    const std::uint32_t doy = (153U * (month > 2 ? month - 3U : month + 9U) + 2) / 5 + day - 1;
    const std::uint32_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + static_cast<std::int32_t>(doe) - 719468;
}

int Date::day_of_year() const { return days() - Date{year, 1, 1}.days() + 1; }

Result<Date> Date::parse_yyyymmdd(std::string_view t) {
    if (t.size() != 8 || !all_digits(t)) return parse_error("date: YYYYMMDD is needed");
    const int y = two(t, 0) * 100 + two(t, 2);
    if (!is_valid_date(y, two(t, 4), two(t, 6))) return parse_error("date: no such day");
    return Date{static_cast<std::int16_t>(y), static_cast<std::uint8_t>(two(t, 4)),
                static_cast<std::uint8_t>(two(t, 6))};
}
Result<Date> Date::parse_iso(std::string_view t) {
    if (t.size() != 10 || t[4] != '-' || t[7] != '-') return parse_error("date: YYYY-MM-DD is needed");
    return parse_yyyymmdd(std::string(t.substr(0, 4)) + std::string(t.substr(5, 2)) +
                          std::string(t.substr(8, 2)));
}
std::string Date::mmdd() const { return two_digits_each("", month, day); }
std::string Date::yyyymmdd() const { return two_digits_each("", year / 100, year % 100, month, day); }
std::string Date::iso() const {
    return two_digits_each("", year / 100, year % 100) + "-" + two_digits_each("-", month, day);
}

std::string CivilTime::hhmmss() const { return two_digits_each("", hour, minute, second); }

CivilTime civil_from_utc(UtcTime utc, std::int32_t offset_s) {
    std::int64_t seconds = utc.ms / 1000 - (utc.ms % 1000 < 0 ? 1 : 0) + offset_s;
    std::int64_t days = seconds / 86400;
    std::int64_t rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        --days;
    }
    CivilTime c;
    c.date = Date::from_days(static_cast<std::int32_t>(days));
    c.hour = static_cast<std::uint8_t>(rest / 3600);
    c.minute = static_cast<std::uint8_t>(rest / 60 % 60);
    c.second = static_cast<std::uint8_t>(rest % 60);
    return c;
}

std::string local_iso(UtcTime utc, std::int32_t offset_s) {
    const CivilTime c = civil_from_utc(utc, offset_s);
    const int ms = static_cast<int>(((utc.ms % 1000) + 1000) % 1000);
    const std::int32_t magnitude = offset_s < 0 ? -offset_s : offset_s;
    std::string out = c.date.iso() + "T" + two_digits_each(":", c.hour, c.minute, c.second) + ".";
    out += static_cast<char>('0' + ms / 100);
    out += two_digits_each("", ms % 100);
    out += offset_s < 0 ? '-' : '+';
    return out + two_digits_each(":", magnitude / 3600, magnitude / 60 % 60);
}

Result<TransmissionTime> TransmissionTime::parse(std::string_view t) {
    if (t.size() != 10 || !all_digits(t))
        return parse_error("transmission time: 10 digits MMDDhhmmss are needed");
    // 2000 was a leap year: 0229 is a possible day.
    if (!is_valid_date(2000, two(t, 0), two(t, 2)) || two(t, 4) > 23 || two(t, 6) > 59 || two(t, 8) > 59)
        return parse_error("transmission time: no such time");
    std::uint32_t v = 0;
    for (char c : t) v = v * 10 + static_cast<std::uint32_t>(c - '0');
    return of(v);
}
TransmissionTime TransmissionTime::from_utc(UtcTime utc) {
    const CivilTime c = civil_from_utc(utc);
    return of(((c.date.month * 100U + c.date.day) * 100U + c.hour) * 10'000U + c.minute * 100U + c.second);
}
TransmissionTime TransmissionTime::of(std::uint32_t value) {
    TransmissionTime t;
    t.value_ = value;
    return t;
}
std::int64_t TransmissionTime::seconds_from(TransmissionTime other) const {
    constexpr std::int64_t day_s = 86'400;
    constexpr std::int64_t year_s = 366 * day_s;
    const auto second_of_year = [](std::int64_t v) {
        const Date day{2000, static_cast<std::uint8_t>(v / 100'000'000),
                       static_cast<std::uint8_t>(v / 1'000'000 % 100)};
        return day.days() * day_s + v / 10'000 % 100 * 3'600 + v / 100 % 100 * 60 + v % 100;
    };
    const std::int64_t apart = std::abs(second_of_year(value_) - second_of_year(other.value_));
    return std::min(apart, year_s - apart);
}
std::string TransmissionTime::str() const { return zero_padded(value_, 10); }

Result<Date> resolve_year(std::string_view mmdd, Date not_after) {
    if (mmdd.size() != 4 || !all_digits(mmdd)) return parse_error("date: MMDD is needed");
    const int month = two(mmdd, 0);
    const int day = two(mmdd, 2);
    if (!is_valid_date(2000, month, day)) return parse_error("date: no such day");
    for (int year = not_after.year; year > not_after.year - 9; --year) {
        if (!is_valid_date(year, month, day)) continue;
        const Date d{static_cast<std::int16_t>(year), static_cast<std::uint8_t>(month),
                     static_cast<std::uint8_t>(day)};
        if (d <= not_after) return d;
    }
    return parse_error("date: no such day in the last nine years");
}

}  // namespace iso8583
