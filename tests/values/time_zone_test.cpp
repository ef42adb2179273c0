// Time zones: the compiled files of this machine, and what their clocks show.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "iso8583/values/time_zone.hpp"

using namespace iso8583;

namespace {

std::string file_of(const std::string& name) {
    std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
TimeZone zone(const std::string& name) {
    auto parsed = TimeZone::parse_tzif(file_of(name));
    REQUIRE(parsed.has_value());
    return *parsed;
}
/// What the clock of the zone shows at the first instant of that local time.
std::string shown(const TimeZone& z, Date date, std::int32_t minute) {
    const UtcTime at = z.first_at(date, minute);
    return local_iso(at, z.offset_s(at));
}
Date day(int y, int m, int d) {
    return {static_cast<std::int16_t>(y), static_cast<std::uint8_t>(m), static_cast<std::uint8_t>(d)};
}

}  // namespace

TEST_CASE("time zone: the offset is the one that held at that time") {
    const TimeZone berlin = zone("Europe/Berlin");
    CHECK(berlin.offset_s({1'782'900'000'000}) == 7200);  // 2026-07-01
    CHECK(berlin.offset_s({1'767'225'600'000}) == 3600);  // 2026-01-01
    CHECK(berlin.offset_s({1'774'745'999'999}) == 3600);  // the last millisecond before 2026-03-29 01:00 UTC
    CHECK(berlin.offset_s({1'774'746'000'000}) == 7200);
    CHECK(zone("Asia/Shanghai").offset_s({1'795'233'600'000}) == 28'800);
    CHECK(zone("America/New_York").offset_s({1'795'233'600'000}) == -18'000);
    CHECK(TimeZone{}.offset_s({1'795'233'600'000}) == 0);
    CHECK(zone("UTC") == TimeZone{});
}

TEST_CASE("time zone: beyond the changes of the file its rule goes on") {
    CHECK(shown(zone("Europe/Berlin"), day(2060, 7, 1), 720) == "2060-07-01T12:00:00.000+02:00");
    CHECK(shown(zone("Europe/Berlin"), day(2060, 12, 1), 720) == "2060-12-01T12:00:00.000+01:00");
    CHECK(shown(zone("Australia/Sydney"), day(2060, 1, 1), 720) == "2060-01-01T12:00:00.000+11:00");
    CHECK(shown(zone("Australia/Sydney"), day(2060, 7, 1), 720) == "2060-07-01T12:00:00.000+10:00");
}

TEST_CASE("time zone: a local time that does not exist in spring is the first instant after it") {
    const TimeZone berlin = zone("Europe/Berlin");
    CHECK(shown(berlin, day(2026, 3, 29), 150) == "2026-03-29T03:00:00.000+02:00");
    CHECK(shown(berlin, day(2026, 3, 29), 119) == "2026-03-29T01:59:00.000+01:00");
    CHECK(shown(berlin, day(2026, 3, 29), 180) == "2026-03-29T03:00:00.000+02:00");
    // A whole day was left out in Samoa.
    CHECK(shown(zone("Pacific/Apia"), day(2011, 12, 30), 720) == "2011-12-31T00:00:00.000+14:00");
}

TEST_CASE("time zone: of a local time that comes twice in autumn it is the first") {
    const TimeZone berlin = zone("Europe/Berlin");
    CHECK(shown(berlin, day(2026, 10, 25), 150) == "2026-10-25T02:30:00.000+02:00");
    CHECK(shown(berlin, day(2026, 10, 25), 180) == "2026-10-25T03:00:00.000+01:00");
    CHECK(shown(berlin, day(2026, 10, 26), 150) == "2026-10-26T02:30:00.000+01:00");
}

TEST_CASE("time zone: bytes that are no zone file are refused, however they are cut") {
    const std::string whole = file_of("Europe/Berlin");
    REQUIRE(whole.size() > 100);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        INFO(size);
        CHECK(!TimeZone::parse_tzif(std::string_view(whole).substr(0, size)).has_value());
    }
    std::string rule = whole.substr(0, whole.rfind("CET-1CEST"));
    for (const char* wrong :
         {"CET\n", "CET-1CEST\n", "CET-1CEST,M13.5.0,M10.5.0\n", "CET-1CEST,M3.5.0\n", "<CET-1\n",
          "CET-999\n", "CET-1 \n", "CET-27\n", "CET-1CEST-167,M3.5.0,M10.5.0\n"}) {
        INFO(wrong);
        CHECK(!TimeZone::parse_tzif(rule + wrong).has_value());
    }
    std::string old = whole;
    old[4] = '\0';  // version 1: no times beyond 2038
    CHECK(!TimeZone::parse_tzif(old).has_value());
}

TEST_CASE("time zone: changes before all reckoning are followed, changes behind it are refused") {
    const auto file = [](std::int64_t at_s) {
        const auto counts = [](std::uint8_t changes) {
            const std::string none(3, '\0');
            return "TZif2" + std::string(15, '\0') + std::string(12, '\0') + none + char(changes) + none +
                   "\x01" + none + "\x04";
        };
        std::string out = counts(0) + std::string(6, '\0') + "CET" + std::string(1, '\0') + counts(1);
        for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(at_s >> shift & 0xFF));
        return out + std::string(1, '\0') + std::string(6, '\0') + "CET" + std::string(1, '\0') +
               "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    };
    const auto first = TimeZone::parse_tzif(file(INT64_MIN));
    REQUIRE(first.has_value());
    CHECK(shown(*first, day(2026, 7, 1), 0) == "2026-07-01T00:00:00.000+02:00");
    const auto ahead = TimeZone::parse_tzif(file(INT64_MAX));
    REQUIRE_FALSE(ahead.has_value());
    CHECK(ahead.error().what == "time zone: a change is too far ahead");
}
