// The ledger bench runs, and group commit is what it claims: many records for the price of one sync.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "bench/ledger_bench.hpp"
#include "tests/ledger/store_driver.hpp"

TEST_CASE("the ledger bench runs and says what a group saves") {
    const ledger_test::TempDirectory directory;
    bench::LedgerBenchOptions options;
    // LEDGER_BENCH_DIRECTORY and _SECONDS make a measurement of it.
    const char* where = std::getenv("LEDGER_BENCH_DIRECTORY");
    const char* seconds = std::getenv("LEDGER_BENCH_SECONDS");
    options.directory = where != nullptr ? where : directory.path();
    options.case_ms = seconds != nullptr ? 1'000 * static_cast<std::uint32_t>(std::atoi(seconds)) : 200;
    options.json_path = directory.path("bench.json");
    REQUIRE(bench::run_ledger_bench(options) == 0);
    std::ifstream in(options.json_path);
    const std::string json{std::istreambuf_iterator<char>(in), {}};
    CHECK(json.find("\"sync_per_record.records_per_second\"") != std::string::npos);
    const auto at = json.find("\"group_64.ratio\": ");
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(json.substr(at + 18)) > 1.5);
}
