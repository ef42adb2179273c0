#include "bench/report.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "switch/page/html_page.hpp"

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
    m.fleet.seconds = {{400, 1'000, 1'800, 2'000, 3'000, 1}, {600, 1'500, 2'200, 2'500, 3'500, 1}};
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
    CHECK(run["latency"]["min_ns"] == 1'000);
    CHECK(run["latency"]["p95_ns"].get<double>() == Approx(950'000).epsilon(0.02));
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

TEST_CASE("A page says first what was measured, when, by which command, and the verdict") {
    const char* command[] = {"switch-bench", "load", "--rate", "<7>"};
    remember_command(4, command);
    Report r = sample();
    r.facts = machine_facts();
    const std::string page = to_html(r);
    const auto plots = page.find("<svg");
    for (const char* head : {"passed", "when", "switch-bench load --rate &lt;7&gt;", "cores",
                             "issuer-a: its journal", "load.per_second", "p95"}) {
        INFO(head);
        CHECK(page.find(head) < plots);
    }
}

TEST_CASE("Seconds as CSV: a head, and a line a run and second whose answers add up") {
    CHECK(to_csv(sample()) ==
          "run,second,length_s,answers,p50_us,p95_us,p99_us,max_us\n"
          "\"load\",1,1.000,400,1.0,1.8,2.0,3.0\n"
          "\"load\",2,1.000,600,1.5,2.2,2.5,3.5\n");
}

TEST_CASE(
    "Figures are read back from what was written, and from a flat object; anything else says what it is") {
    const auto back = read_figures(to_json(sample()));
    REQUIRE(back.has_value());
    CHECK(*back == Figures{{"load.per_second", 500}});
    CHECK(*read_figures(R"({"turn.sale.ns": 12.5, "name": "x"})") == Figures{{"turn.sale.ns", 12.5}});
    struct Row {
        const char *json, *says;
    };
    for (const Row& row :
         {Row{"[1", "is no JSON"}, Row{"[1]", "an object is needed"}, Row{"{}", "has no figures"},
          Row{R"({"figures": 7})", "its figures are no object"}}) {
        const auto wrong = read_figures(row.json);
        REQUIRE_FALSE(wrong.has_value());
        CHECK(wrong.error().what.find(row.says) != std::string::npos);
    }
}

TEST_CASE("No label of a plot goes over its edge") {
    constexpr double width = 760, letter = 6.4;
    const std::string plot = html_page::line_plot("p", {{"a line", {{0, 1}, {1, 2}}}},
                                                  {{0, "0 %"}, {0.5, "99 %"}, {1, "99.999 %"}}, 2,
                                                  [](double v) { return fmt::format("{:.0f} ms", v); });
    std::size_t labels = 0;
    const std::string begin = "<text x=\"";
    for (auto at = plot.find(begin); at != std::string::npos; at = plot.find(begin, at + 1)) {
        const std::string text = plot.substr(at, plot.find("</text>", at) - at);
        if (text.find("middle") == std::string::npos) continue;
        const double x = std::stod(text.substr(begin.size()));
        const double half = letter * static_cast<double>(text.size() - text.find('>') - 1) / 2;
        INFO(text);
        CHECK(x - half >= 0);
        CHECK(x + half <= width + 0.1);
        ++labels;
    }
    CHECK(labels == 3);
}
