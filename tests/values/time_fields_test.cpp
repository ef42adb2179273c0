#include "iso8583/values/time_fields.hpp"

#include <catch2/catch.hpp>

using namespace iso8583;

TEST_CASE("dates: days since 1970 and back, every day of 1600 to 2400") {
    std::int32_t expected = Date{1600, 1, 1}.days();
    CHECK(Date{1970, 1, 1}.days() == 0);
    CHECK(Date{1969, 12, 31}.days() == -1);
    CHECK(Date{2026, 11, 21}.days() == 20778);
    for (int year = 1600; year <= 2400; ++year)
        for (int month = 1; month <= 12; ++month)
            for (int day = 1; day <= 31; ++day) {
                if (!is_valid_date(year, month, day)) continue;
                const Date date{static_cast<std::int16_t>(year), static_cast<std::uint8_t>(month),
                                static_cast<std::uint8_t>(day)};
                if (date.days() != expected || Date::from_days(expected) != date) FAIL(date.iso());
                ++expected;
            }
}

TEST_CASE("dates: which exist") {
    CHECK(is_valid_date(2024, 2, 29));
    CHECK(is_valid_date(2000, 2, 29));
    CHECK_FALSE(is_valid_date(1900, 2, 29));
    CHECK_FALSE(is_valid_date(2026, 2, 29));
    CHECK_FALSE(is_valid_date(2026, 4, 31));
    CHECK_FALSE(is_valid_date(2026, 0, 1));
    CHECK_FALSE(is_valid_date(2026, 13, 1));
    CHECK_FALSE(is_valid_date(2026, 1, 0));
}

TEST_CASE("dates: texts") {
    const Date date{2026, 3, 5};
    CHECK(date.mmdd() == "0305");
    CHECK(date.yyyymmdd() == "20260305");
    CHECK(date.iso() == "2026-03-05");
    CHECK(date.day_of_year() == 64);
    CHECK(Date{2024, 12, 31}.day_of_year() == 366);
    CHECK(Date::parse_yyyymmdd("20260305").value() == date);
    CHECK(Date::parse_iso("2026-03-05").value() == date);
    CHECK(date.plus_days(-64) == Date{2025, 12, 31});
    for (const char* bad : {"20260230", "2026030", "2026-3-05", "2026030A", ""}) {
        CAPTURE(bad);
        CHECK_FALSE(Date::parse_yyyymmdd(bad).has_value());
        CHECK_FALSE(Date::parse_iso(bad).has_value());
    }
    CHECK_FALSE(Date::parse_iso("2026/03/05").has_value());
    CHECK(BusinessDate{{2026, 12, 31}}.next() == BusinessDate{{2027, 1, 1}});
}

TEST_CASE("a date without a year is the newest that is not in the future (DE61.3, DE13)") {
    struct Row {
        const char* mmdd;
        Date not_after;
        Date resolved;
    };
    for (const Row& row : {Row{"1121", {2026, 11, 21}, {2026, 11, 21}},
                           {"1122", {2026, 11, 21}, {2025, 11, 22}},
                           {"1231", {2027, 1, 1}, {2026, 12, 31}},
                           {"0229", {2026, 11, 21}, {2024, 2, 29}},
                           {"0229", {2024, 2, 28}, {2020, 2, 29}},
                           {"0229", {2103, 1, 1}, {2096, 2, 29}}}) {
        CAPTURE(row.mmdd, row.not_after.iso());
        CHECK(resolve_year(row.mmdd, row.not_after).value() == row.resolved);
    }
    for (const char* bad : {"", "112", "11211", "0230", "1301", "0000", "11A1"})
        CHECK_FALSE(resolve_year(bad, {2026, 11, 21}).has_value());
}

TEST_CASE("civil time: zones east and west, before 1970") {
    const UtcTime evening{1'795'297'672'123};  // 2026-11-21 21:47:52.123 UTC
    CHECK(civil_from_utc(evening) == CivilTime{{2026, 11, 21}, 21, 47, 52});
    CHECK(civil_from_utc(evening, 8 * 3600) == CivilTime{{2026, 11, 22}, 5, 47, 52});
    CHECK(civil_from_utc(evening, -(21 * 3600 + 48 * 60)) == CivilTime{{2026, 11, 20}, 23, 59, 52});
    CHECK(civil_from_utc(UtcTime{-1}) == CivilTime{{1969, 12, 31}, 23, 59, 59});
    CHECK(civil_from_utc(evening).hhmmss() == "214752");
    CHECK((Now{Instant{}, evening, 8 * 3600}.local().date) == Date{2026, 11, 22});
}

TEST_CASE("times for people carry their offset") {
    const UtcTime evening{1'795'297'672'123};
    CHECK(local_iso(evening, 8 * 3600) == "2026-11-22T05:47:52.123+08:00");
    CHECK(local_iso(evening, -(3 * 3600 + 30 * 60)) == "2026-11-21T18:17:52.123-03:30");
    CHECK(local_iso(evening, 0) == "2026-11-21T21:47:52.123+00:00");
    CHECK(local_iso(UtcTime{-1}, 0) == "1969-12-31T23:59:59.999+00:00");
}

TEST_CASE("transmission date and time (DE7): ten digits, no year, a real moment") {
    CHECK(TransmissionTime::parse("1121214752").value().str() == "1121214752");
    CHECK(TransmissionTime::parse("0101000000").value().str() == "0101000000");
    CHECK(TransmissionTime::parse("0229120000").has_value());
    for (const char* bad : {"", "112121475", "11212147521", "1321214752", "0230214752", "1121244752",
                            "1121216052", "1121214760", "112121475A", "0000000000"}) {
        CAPTURE(bad);
        CHECK_FALSE(TransmissionTime::parse(bad).has_value());
    }
    const UtcTime evening{1'795'297'672'123};
    const auto apart = [](const char* a, const char* b) {
        return TransmissionTime::parse(a).value().seconds_from(TransmissionTime::parse(b).value());
    };
    CHECK(apart("1121214752", "1121214752") == 0);
    CHECK(apart("1121214752", "1122214753") == 86'401);
    CHECK(apart("1122214753", "1121214752") == 86'401);
    CHECK(apart("1231235959", "0101000001") == 2);       // over the new year
    CHECK(apart("0228235959", "0301000000") == 86'401);  // as if it were a leap year
    CHECK(TransmissionTime::from_utc(evening) == TransmissionTime::parse("1121214752").value());
}

TEST_CASE("durations are added, readings compared") {
    CHECK(UtcTime{5}.plus_ms(7) == UtcTime{12});
    CHECK(Instant{5}.plus_ms(-7) < Instant{0});
}
