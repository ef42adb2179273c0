#include "bench/bound.hpp"

#include <catch2/catch.hpp>

#include "bench/find_max.hpp"

using namespace bench;

namespace {

Report report_of(std::uint64_t answers) {
    Report r;
    Measured m{"load", {}, {}};
    for (std::uint64_t i = 1; i <= answers; ++i) m.fleet.latency.record(i * 1'000'000);
    m.fleet.done = answers;
    m.fleet.measured_s = 2;
    r.runs.push_back(m);
    r.figures = {{"ratio.load.relay", 0.5}};
    return r;
}

}  // namespace

TEST_CASE("--fail-if: what is asked of a run") {
    struct Row {
        const char* bound;
        bool holds;
    };
    const Row rows[] = {
        {"p99>120ms", true},
        {"p99>50ms", false},
        {"p99>0.05s", false},
        {"p50>60000us", true},
        {"p99.9>98ms", false},
        {"max>101ms", true},
        {"max>99ms", false},
        {"min<1ms", true},
        {"min<2ms", false},
        {"mean>1s", true},
        {"per_second<50", true},
        {"per_second<51", false},
        {"unanswered>0", true},
        {"ratio.load.relay<0.4", true},
        {"ratio.load.relay<0.6", false},
    };
    for (const Row& row : rows) {
        INFO(row.bound);
        const auto bound = parse_bound(row.bound);
        REQUIRE(bound.has_value());
        Report r = report_of(100);
        judge({*bound}, r);
        CHECK(r.passed == row.holds);
        REQUIRE(r.findings.size() == 1);
        CHECK(r.findings[0].find(row.bound) != std::string::npos);
    }
}

TEST_CASE("--fail-if: what was not measured fails, and nothing passes for it") {
    for (const char* text : {"ratio.no.such<1", "p99>1s"}) {
        Report r = report_of(0);
        judge({*parse_bound(text)}, r);
        CHECK_FALSE(r.passed);
        CHECK(r.findings[0].find("was not measured") != std::string::npos);
    }
}

TEST_CASE("--fail-if: wrong words say which part is wrong") {
    struct Row {
        const char *text, *says;
    };
    const Row rows[] = {
        {"", "as in p99>50ms"},
        {"p99", "as in p99>50ms"},
        {">5ms", "as in p99>50ms"},
        {"p99>", "as in p99>50ms"},
        {"p99>50", "'50' is no time"},
        {"p101>5ms", "nothing is measured as 'p101'"},
        {"p9x>5ms", "'p9x'"},
        {"speed>5", "'speed'"},
        {"per_second<fast", "'fast' is no number"},
        {"p99>-5ms", "'-5ms' is no time"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const auto bound = parse_bound(row.text);
        REQUIRE_FALSE(bound.has_value());
        CHECK(bound.error().what.find(row.says) != std::string::npos);
    }
    CHECK(parse_kept_latency("p99=20ms").has_value());
    CHECK_FALSE(parse_kept_latency("p99>20ms").has_value());
    CHECK_FALSE(parse_kept_latency("per_second=20").has_value());
}

TEST_CASE("--find-max comes within two percent of what a system that breaks at a rate allows") {
    const Bound kept = *parse_kept_latency("p99=10ms");
    for (const double breaks_at : {37.0, 1'000.0, 7'777.0}) {
        std::size_t played = 0;
        const auto tried = find_max(kept, [&](std::uint64_t rate) {
            ++played;
            FleetResult f;
            const double offered = rate == 0 ? 10'000 : static_cast<double>(rate);
            f.measured_s = 1;
            f.done = static_cast<std::uint64_t>(offered);
            f.latency.record(offered > breaks_at ? 50'000'000 : 5'000'000);
            return f;
        });
        const auto highest = static_cast<double>(highest_kept(tried));
        CHECK(highest <= breaks_at);
        CHECK(highest >= breaks_at - std::max(0.02 * breaks_at, 10'000.0 / 128));
        CHECK(played == tried.size());
        CHECK(tried.size() <= find_max_steps + 1);
    }
}

TEST_CASE("--find-max: a rate at which answers do not keep up is not kept, however fast they are") {
    const auto tried = find_max(*parse_kept_latency("p99=10ms"), [](std::uint64_t rate) {
        FleetResult f;
        f.measured_s = 1;
        f.done = std::min<std::uint64_t>(rate == 0 ? 900 : rate, 500);
        f.latency.record(1'000);
        return f;
    });
    CHECK(highest_kept(tried) <= 510);
    const auto none = find_max(*parse_kept_latency("p99=1ns"), [](std::uint64_t) {
        FleetResult f;
        f.measured_s = 1;
        f.done = 100;
        f.latency.record(1'000);
        return f;
    });
    CHECK(highest_kept(none) == 0);
}
