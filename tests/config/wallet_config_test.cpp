// [[wallet]] and [wallet_wire]: whose payment codes are whose, and what a mistake in it is told.
#include <catch2/catch.hpp>

#include "tests/config/smallest_config.hpp"

using namespace acquirer;

namespace {

iso8583::Result<LoadedConfig, ConfigProblems> load(const std::string& sections,
                                                   const std::string& of_issuer = "") {
    std::string file = good;
    file.insert(file.find("[[iin]]"), of_issuer);
    return load_config_text("t.toml", file + sections, surroundings());
}

std::string problem_of(const std::string& sections) {
    const auto loaded = load(sections);
    return loaded ? "none" : text(loaded.error());
}

std::string wallet(const std::string& codes, const std::string& digits, const std::string& name = "wechat",
                   const std::string& route = "a") {
    return "[[wallet]]\nname = \"" + name + "\"\ncodes = \"" + codes + "\"\ndigits = \"" + digits +
           "\"\nroutes = [\"" + route + "\"]\n";
}

}  // namespace

TEST_CASE("R80 config: wallets by their codes, and the settings of their route") {
    const auto loaded =
        load(wallet("10-15", "18") + wallet("25-30", "16-24", "alipay") + wallet("62", "19", "qr"),
             "kind = \"wallet\"\nprocessing_poll_seconds = 20\nprocessing_days_max = 3\n"
             "refund_spacing_seconds = 5\nrefunds_per_sale_max = 9\n");
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    const auto& routes = loaded->configuration->routes;
    CHECK(routes.wallets().find("134567890123456789")->name == "wechat");
    CHECK(routes.wallets().find("2876543210987654")->name == "alipay");
    CHECK(routes.wallets().find("287654321098765432109876")->name == "alipay");
    CHECK(routes.wallets().find("6221234567890123456")->name == "qr");
    for (const char* nobody : {"164567890123456789", "13456789012345678", "1345678901234567890",
                               "287654321098765", "2876543210987654321098765", ""})
        CHECK(routes.wallets().find(nobody) == nullptr);
    const routing::Route& route = *routes.find("a");
    CHECK(route.kind == routing::RouteKind::wallet);
    CHECK(route.wallet.poll_seconds == 20);
    CHECK(route.wallet.processing_days_max == 3);
    CHECK(route.wallet.spacing_seconds == 5);
    CHECK(route.wallet.per_sale_max == 9);
}

TEST_CASE("R80 config: without a word a route is a card's, and wallets' settings are those of the rules") {
    const auto loaded = load("");
    REQUIRE(loaded);
    const routing::Route& route = *loaded->configuration->routes.find("a");
    CHECK(route.kind == routing::RouteKind::card);
    CHECK(route.wallet.processing_days_max == 7);
    CHECK(route.wallet.spacing_seconds == 60);
    CHECK(route.wallet.per_sale_max == 50);
    const WalletWire& wire = loaded->configuration->wallet_wire;
    CHECK(iso8583::number(wire.field(Profile::unionpay_pos)) == 59);
    CHECK(iso8583::number(wire.field(Profile::iso87)) == 48);
    const auto own =
        load("[wallet_wire]\nunionpay_field = 57\niso_field = 120\ncode_tag = \"01\"\norder_tag = \"02\"\n");
    REQUIRE(own);
    CHECK(iso8583::number(own->configuration->wallet_wire.field(Profile::unionpay_pos)) == 57);
    CHECK(iso8583::number(own->configuration->wallet_wire.field(Profile::iso87)) == 120);
    CHECK(own->configuration->wallet_wire.code_tag == "01");
}

TEST_CASE("R80 R90 config: a wallet has no sales by authorization and completion") {
    const auto loaded =
        load(wallet("10-15", "18"), "kind = \"wallet\"\nsale_mode = \"authorization_0100\"\n");
    REQUIRE_FALSE(loaded);
    CHECK(text(loaded.error()).find("sale_mode: a wallet's sales are financial_0200") != std::string::npos);
}

TEST_CASE("R80 config: each mistake in a wallet is named") {
    struct Row {
        std::string sections, problem;
    };
    for (const Row& row :
         {Row{wallet("10-15", "18", "wechat", "b"), "wallet[1].routes: b is no issuer"},
          Row{wallet("1O-15", "18"), "wallet[1].codes: needs the first digits of payment codes"},
          Row{wallet("15-10", "18"), "wallet[1].codes: wallet wechat, codes 15-10: the first end is greater"},
          Row{wallet("10-155", "18"), "wallet[1].codes: wallet wechat, codes 10-155: both ends need"},
          Row{wallet("10-15", "many"), "wallet[1].digits: needs how many digits a payment code has"},
          Row{wallet("10-15", "5"), "a code has 10 to 40 digits"},
          Row{wallet("10-15", "18", "card"), "wallet[1].name: card is no wallet"},
          Row{wallet("10-15", "18", "a-name-of-many-letters"), "a name of 1 to 16 characters is needed"},
          Row{wallet("10-15", "18") + wallet("152", "16-20", "other"),
              "wallet[2].codes: wallet wechat, codes 10-15 and wallet other, codes 152-152: a code could be "
              "in both"},
          Row{"[wallet_wire]\ncode_tag = \"A4\"\n",
              "wallet_wire.order_tag: is the tag of the payment code too"},
          Row{"[wallet_wire]\ncode_tag = \"A4\"\norder_tag = \"A5\"\n",
              "wallet_wire.code_tag: A4 is shown as an order number"},
          Row{"[wallet_wire]\ncode_tag = \"A33\"\n", "wallet_wire.code_tag: needs two characters"},
          Row{"[wallet_wire]\nunionpay_field = 64\n",
              "wallet_wire.unionpay_field: is 64, 44 to 63 is allowed"},
          Row{"[[wallet]]\nname = \"x\"\n", "wallet[1].codes"}}) {
        INFO(row.sections);
        INFO(problem_of(row.sections));
        CHECK(problem_of(row.sections).find(row.problem) != std::string::npos);
    }
    CHECK(problem_of(wallet("10-15", "18") + wallet("10-15", "19", "other")) == "none");
}
