// Merchants and terminals that are laid over the file: as sections, by its checks.
#include "switch/config/added_sections.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/config/smallest_config.hpp"

using namespace acquirer;
using config::section_of;
using ledger::PartyKind;

namespace {

const std::map<std::string, std::string> of_terminals = {{"last", "77000009"},
                                                         {"merchant", "898110157220001"},
                                                         {"profile", "unionpay-pos"},
                                                         {"mac", "cmac"},
                                                         {"tmk", "U1750CDFB0757D3B3994430636DBB281B"}};

iso8583::Result<LoadedConfig, ConfigProblems> with(const std::vector<AddedSection>& added,
                                                   const std::string& file = good) {
    ConfigSurroundings around = surroundings();
    around.added = added;
    return load_config_text("t.toml", file, around);
}

}  // namespace

TEST_CASE("added sections: arguments become the file's own words") {
    const auto section = section_of(PartyKind::merchant, "898110157220077",
                                    {{"name", R"(Quay "7" \ 港口)"},
                                     {"suspended", "false"},
                                     {"window-days", "030"},
                                     {"refund-amount-max", "50.00"}});
    REQUIRE(section);
    CHECK(*section ==
          "[[merchant]]\n"
          "id = \"898110157220077\"\n"
          "name = \"Quay \\\"7\\\" \\\\ 港口\"\n"
          "suspended = false\n"
          "[merchant.refund]\n"
          "window_days = 30\n"
          "refund_amount_max = \"50.00\"\n");
    const auto loaded = with({{"it", *section}});
    REQUIRE(loaded);
    const auto id = iso8583::MerchantId::parse("898110157220077").value();
    const MerchantConfig* merchant = loaded->configuration->find_merchant(id);
    REQUIRE(merchant != nullptr);
    CHECK(merchant->name == R"(Quay "7" \ 港口)");
    CHECK(merchant->refund.window_days == 30);
    CHECK(merchant->refund.refund_amount_max == 5'000);
    CHECK(loaded->configuration->hash == with({})->configuration->hash);
}

TEST_CASE("added sections: every key of the file's sections is an argument, and none hides another") {
    for (const PartyKind kind : {PartyKind::merchant, PartyKind::terminals}) {
        std::set<std::string> names = {kind == PartyKind::merchant ? "merchant" : "first"};
        for (const config::SectionArgument& argument : config::section_arguments(kind)) {
            INFO(argument.name);
            CHECK(names.insert(argument.name).second);
            CHECK(argument.secret ==
                  (argument.name == "tmk" || argument.name == "tak" || argument.name == "tpk"));
        }
        CHECK(names.size() > 8);
    }
}

TEST_CASE("added sections: a list is written with commas") {
    const auto section = section_of(PartyKind::terminals, "10000950",
                                    {{"last", "10000951"}, {"certificate-names", "a.test,b\"c.test"}});
    REQUIRE(section);
    CHECK(section->find("certificate_names = [\"a.test\", \"b\\\"c.test\"]\n") != std::string::npos);
    CHECK(section_of(PartyKind::terminals, "10000950", {{"certificate-names", "a\nb"}}).error().what ==
          "certificate-names: holds a control character");
}

TEST_CASE("added sections: ill-formed arguments are named") {
    const auto fault = [](const std::string& name, const std::string& value) {
        const auto section = section_of(PartyKind::merchant, "898110157220077", {{name, value}});
        return section ? std::string() : section.error().what;
    };
    CHECK(fault("window-days", "many") == "window-days: needs a number");
    CHECK(fault("window-days", "") == "window-days: needs a number");
    CHECK(fault("suspended", "maybe") == "suspended: needs true or false");
    CHECK(fault("name", "a\nb") == "name: holds a control character");
    CHECK(config::words_of_section(PartyKind::terminals, of_terminals) ==
          " last=77000009 merchant=898110157220001 profile=unionpay-pos mac=cmac tmk=(a key)");
}

TEST_CASE("added sections: what the file's checks refuse is told of what was added") {
    struct Row {
        const char* key;
        const char* value;
        const char* problem;
    };
    const Row rows[] = {
        {"last", "76999999", "mine: last: is before first"},
        {"merchant", "898110157220009", "mine: merchant: names no [[merchant]]"},
        {"tmk", "clear", "mine: tmk: "},
        {"profile", "morse", "mine: profile: "},
        {"mac", "ecb", "mine: mac: ecb can be forged"},
        {"mac-padding", "spaces", "mine: mac_padding: "},
    };
    for (const Row& row : rows) {
        auto arguments = of_terminals;
        arguments[row.key] = row.value;
        const auto section = section_of(PartyKind::terminals, "77000001", arguments);
        REQUIRE(section);
        const auto loaded = with({{"mine", *section}});
        REQUIRE_FALSE(loaded);
        INFO(text(loaded.error()));
        CHECK(text(loaded.error()).find(row.problem) != std::string::npos);
    }
    auto crossing = of_terminals;
    crossing["last"] = "10000005";
    const auto section = section_of(PartyKind::terminals, "09999999", crossing);
    REQUIRE(section);
    const auto loaded = with({{"mine", *section}});
    REQUIRE_FALSE(loaded);
    CHECK(text(loaded.error()).find("overlap") != std::string::npos);
}

TEST_CASE("added sections: one of the same merchant or terminals stands instead of the file's") {
    const auto merchant = section_of(PartyKind::merchant, "898110157220001",
                                     {{"name", "the store's"}, {"refund-enabled", "false"}});
    auto same = of_terminals;
    same["last"] = "10000999";
    const auto terminals = section_of(PartyKind::terminals, "10000001", same);
    REQUIRE(merchant);
    REQUIRE(terminals);
    const auto loaded = with({{"a", *merchant}, {"b", *terminals}});
    REQUIRE(loaded);
    const Configuration& c = *loaded->configuration;
    CHECK(c.merchants.size() == 1);
    CHECK(c.merchants.begin()->second.name == "the store's");
    REQUIRE(c.terminals.size() == 1);
    CHECK(c.terminals[0].mac.algorithm == hsm::MacAlgorithm::aes_cmac);
}

TEST_CASE("added sections: a file that lost the merchant of added terminals is refused") {
    auto arguments = of_terminals;
    arguments["merchant"] = "898110157220077";
    const auto terminals = section_of(PartyKind::terminals, "77000001", arguments);
    REQUIRE(terminals);
    const auto loaded = with({{"terminals from 77000001, added by checker1", *terminals}});
    REQUIRE_FALSE(loaded);
    CHECK(text(loaded.error()) ==
          "terminals from 77000001, added by checker1: merchant: names no [[merchant]]\n");
}
