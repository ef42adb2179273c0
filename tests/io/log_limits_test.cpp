// What others may cause in the log: limited by kind and source, told in summaries, alarms never.
#include <catch2/catch.hpp>

#include <string>

#include "switch/io/log_limits.hpp"

using acquirer::LogLimits;
using iso8583::Instant;

namespace {

constexpr std::int64_t second = 1'000;

int admitted(LogLimits& limits, const char* kind, const std::string& source, int lines, std::int64_t ms) {
    int count = 0;
    for (int i = 0; i < lines; ++i) count += limits.admits(kind, source, Instant{ms}) ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("log: one client that causes 30,000 lines a second gets its share, and a summary", "[log]") {
    LogLimits limits;
    CHECK(admitted(limits, "request_refused", "192.0.2.7", 30'000, second) == LogLimits::lines_of_source_max);
    CHECK(limits.suppressed() == 30'000 - LogLimits::lines_of_source_max);
    // Nobody else pays for it: not another source, and not another kind of line of its own.
    CHECK(admitted(limits, "request_refused", "192.0.2.8", 20, second) == 20);
    CHECK(admitted(limits, "link_closed", "192.0.2.7", 20, second) == 20);
    CHECK(limits.take_ended(Instant{second + 999}).empty());
    const auto ended = limits.take_ended(Instant{2 * second});
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].kind == "request_refused");
    CHECK(ended[0].source == "192.0.2.7");
    CHECK(ended[0].lines == 30'000 - LogLimits::lines_of_source_max);
    CHECK(limits.take_ended(Instant{2 * second}).empty());
    CHECK(admitted(limits, "request_refused", "192.0.2.7", 1, 2 * second) == 1);
}

TEST_CASE("log: a stranger of many addresses causes no more lines than one kind may have", "[log]") {
    LogLimits limits;
    int written = 0;
    for (int i = 0; i < 20'000; ++i)
        written += admitted(limits, "link_closed", "2001:db8::" + std::to_string(i), 1, second);
    CHECK(written == LogLimits::lines_of_kind_max);
    CHECK(limits.suppressed() == 20'000 - LogLimits::lines_of_kind_max);
    std::uint64_t told = 0;
    const auto ended = limits.take_ended(Instant{2 * second});
    for (const auto& summary : ended) told += summary.lines;
    CHECK(told == limits.suppressed());
    CHECK(ended.size() <= LogLimits::summaries_max + 1);
    CHECK(ended.back().source.empty());
}
