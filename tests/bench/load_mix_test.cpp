#include "bench/load_mix.hpp"

#include <catch2/catch.hpp>

using namespace bench;

TEST_CASE("A mix names what terminals do; what is left out is not done") {
    const auto mix = parse_mix(
        "sale = 30\npartial_refund = 20\nsettlement = 3\npin_percent = 0\nwallet_percent = 30\n"
        "authorization = 9\ncompletion = 6\nauthorization_void = 2\n");
    REQUIRE(mix.has_value());
    const auto weight = [&](Step step) { return mix->weight[static_cast<std::size_t>(step)]; };
    CHECK(weight(Step::sale) == 30);
    CHECK(weight(Step::partial_refund) == 20);
    CHECK(weight(Step::settlement) == 3);
    CHECK(weight(Step::refund) == 0);
    CHECK(weight(Step::retry) == 0);
    CHECK(weight(Step::authorization) == 9);
    CHECK(weight(Step::completion) == 6);
    CHECK(weight(Step::void_authorization) == 2);
    CHECK(weight(Step::sign_on) == 0);
    CHECK(mix->pin_percent == 0);
    CHECK(mix->wallet_percent == 30);
    CHECK(mix->issuer_a_percent == 50);
}

TEST_CASE("A wrong mix says line, key and what there is") {
    struct Row {
        const char *toml, *says;
    };
    const Row rows[] = {
        {"", "sale needs a weight above 0"},
        {"sale = 0\n", "sale needs a weight above 0"},
        {"sale = 1\nrefnd = 2\n", "line 2: 'refnd'"},
        {"sale = 1\nvoid = -1\n", "line 2: void needs a whole number from 0 to 1000000"},
        {"sale = 1\nvoid = \"much\"\n", "line 2: void needs"},
        {"sale = 1\npin_percent = 101\n", "pin_percent needs a whole number from 0 to 100"},
        {"sale = = 1\n", "line 1: "},
    };
    for (const Row& row : rows) {
        INFO(row.toml);
        const auto mix = parse_mix(row.toml);
        REQUIRE_FALSE(mix.has_value());
        CHECK(mix.error().what.find(row.says) != std::string::npos);
    }
    const auto none = read_mix("/nowhere/mix.toml");
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().what == "cannot read /nowhere/mix.toml");
}
