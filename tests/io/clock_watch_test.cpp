// The watch over the wall clock, by readings that the test makes.
#include <catch2/catch.hpp>

#include "switch/io/clock_watch.hpp"

using namespace acquirer;
using News = acquirer::ClockJudge::News;

TEST_CASE("clock: a leap is told once, with its size, and a slow clock is none") {
    ClockJudge judge;
    CHECK(judge.look({1'000'000, 500, true}).empty());
    CHECK(judge.look({1'001'000, 1'500, true}).empty());
    CHECK(judge.look({1'002'900, 2'500, true}).empty());  // slewed, or looked at late
    const std::int64_t year = 365LL * 86'400'000;
    CHECK(judge.look({1'003'900 + year, 3'500, true}) == std::vector<News>{{News::Kind::jumped, year}});
    CHECK(judge.look({1'004'900 + year, 4'500, true}).empty());
    CHECK(judge.look({1'005'900, 5'500, true}) == std::vector<News>{{News::Kind::jumped, -year}});
    // A minute in which nothing ran is none.
    CHECK(judge.look({1'065'900, 65'500, true}).empty());
}

TEST_CASE("clock: that nobody keeps it right is told at once, every day, and when it is over") {
    ClockJudge judge;
    const std::vector<News> not_synchronised = {{News::Kind::not_synchronised, 0}};
    CHECK(judge.look({0, 0, false}) == not_synchronised);
    CHECK(judge.look({1'000, 1'000, false}).empty());
    CHECK(judge.look({86'399'000, 86'399'000, false}).empty());
    CHECK(judge.look({86'400'000, 86'400'000, false}) == not_synchronised);
    CHECK(judge.look({86'401'000, 86'401'000, true}) == std::vector<News>{{News::Kind::synchronised, 0}});
    CHECK(judge.look({86'402'000, 86'402'000, true}).empty());
}

TEST_CASE("clock: the machine's own clocks can be read") {
    const ClockReading reading = read_clocks();
    CHECK(reading.real_ms > 1'600'000'000'000);
    CHECK(reading.steady_ms > 0);
}
