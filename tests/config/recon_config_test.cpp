// [issuer.recon]: how an issuer's files look (R101), and what a mistake in it is told.
#include <catch2/catch.hpp>

#include "tests/config/smallest_config.hpp"
#include "tests/test_paths.hpp"

using namespace acquirer;

namespace {

const std::string recon = R"([issuer.recon]
separator = "semicolon"
amounts = "minor"
dates = "compact"
columns = ["rrn=Reference", "amount=Sum=total"]
kinds = ["P=sale", "R=S=reversal of sale"]
recon_days = 7
)";

/// The smallest file, its one issuer with this section.
iso8583::Result<LoadedConfig, ConfigProblems> load(const std::string& section) {
    std::string file = good;
    return load_config_text("t.toml", file.insert(file.find("[[iin]]"), section), surroundings());
}

std::string problem_of(const std::string& line) {
    const auto loaded = load("[issuer.recon]\n" + line + "\n");
    return loaded ? "none" : text(loaded.error());
}

}  // namespace

TEST_CASE("R101 config: an issuer's files by its own words, and without any by the defaults") {
    const auto loaded = load(recon);
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    const IssuerFileFormat own = loaded->configuration->issuer_file(routing::RouteId{1});
    CHECK(own.separator == ';');
    CHECK(own.amounts == IssuerAmounts::minor);
    CHECK(own.dates == IssuerDates::compact);
    CHECK(own.headers.at(IssuerColumn::rrn) == "Reference");
    CHECK(own.headers.at(IssuerColumn::amount) == "Sum=total");
    CHECK(own.kinds.at("R=S") == IssuerKind{ledger::IssuerEffect::sale, true, true});
    CHECK(own.recon_days == 7);
    const auto plain = load("");
    REQUIRE(plain);
    const IssuerFileFormat usual = plain->configuration->issuer_file(routing::RouteId{1});
    CHECK(usual.separator == ',');
    CHECK(usual.headers.empty());
    CHECK(usual.recon_days == IssuerFileFormat::recon_days_default);
}

TEST_CASE("R101 config: each mistake in an issuer's files is named") {
    struct Row {
        std::string line, problem;
    };
    const std::vector<Row> rows = {
        {R"(separator = "dot")", "separator: has to be one of comma, semicolon, bar, tab"},
        {R"(recon_days = 61)", "recon_days: is 61, 0 to 60 is allowed"},
        {R"(columns = ["rrn"])", "columns: entry 1 has to be COLUMN=HEADER"},
        {R"(columns = ["rrn=A", "loan=B"])", "columns: entry 2 names no column that there is"},
        {R"(columns = ["rrn=A", "rrn=B"])", "columns: entry 2 names a column again"},
        {R"(kinds = ["A=loan"])", "kinds: entry 1 has to be WORD=KIND"},
        {R"(kinds = ["A=sale", "A=refund"])", "kinds: entry 2 names a word again"},
        {R"(seperator = "tab")", "issuer[1].recon.seperator"}};
    for (const Row& row : rows) {
        INFO(row.line << ": " << problem_of(row.line));
        CHECK(problem_of(row.line).find(row.problem) != std::string::npos);
    }
}
