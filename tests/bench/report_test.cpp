#include "bench/report.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace bench;

namespace {
Report sample() {
    Report r;
    r.title = "switch-bench <load>";
    r.facts = {{"cores", "2"}};
    Measured m{"load", {}, {{"sale", 0}, {"refund", 1}, {"void", 2}}};
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
        m.fleet.latency.record(i * 1'000);
        m.fleet.service.record(i * 900);
        m.fleet.by_kind[i % 2].record(i * 1'000);
    }
    m.fleet.done = 1'000;
    m.fleet.measured_s = 2;
    m.fleet.seconds = {{400, 1'000, 2'000, 3'000}, {600, 1'500, 2'500, 3'500}};
    r.runs.push_back(m);
    r.figures = {{"load.per_second", 500}};
    r.findings = {"issuer-a: its journal agrees"};
    return r;
}
}  // namespace

TEST_CASE("The JSON report has the figures under stable names") {
    const auto j = nlohmann::json::parse(to_json(sample()));
    CHECK(j["passed"] == true);
    CHECK(j["figures"]["load.per_second"] == 500);
    const auto& run = j["runs"][0];
    CHECK(run["name"] == "load");
    CHECK(run["per_second"] == 500);
    CHECK(run["latency"]["count"] == 1'000);
    CHECK(run["latency"]["p50_ns"].get<double>() == Approx(500'000).epsilon(0.02));
    CHECK(run["latency"]["p99_ns"].get<double>() == Approx(990'000).epsilon(0.02));
    CHECK(run["by_kind"].contains("sale"));
    CHECK_FALSE(run["by_kind"].contains("void"));
    CHECK(run["seconds"].size() == 2);
}

TEST_CASE("The page needs nothing from elsewhere and escapes what it shows") {
    const std::string page = to_html(sample());
    CHECK(page.find("switch-bench &lt;load&gt;") != std::string::npos);
    CHECK(page.find("<load>") == std::string::npos);
    for (const char* outside : {"http://", "https://", "src=", "<link", "<script", "nan", "inf"})
        CHECK(page.find(outside) == std::string::npos);
    std::size_t plots = 0;
    for (auto at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1)) ++plots;
    CHECK(plots == 3);
}

TEST_CASE("The table says what failed") {
    Report r = sample();
    CHECK(to_table(r).find("\npassed\n") != std::string::npos);
    CHECK(to_table(r).find("500 answers a second") != std::string::npos);
    r.passed = false;
    r.findings = {"issuer-b: 1 of 7 RRNs differ"};
    CHECK(to_table(r).find("issuer-b: 1 of 7 RRNs differ") != std::string::npos);
    CHECK(to_table(r).find("\nFAILED\n") != std::string::npos);
}
