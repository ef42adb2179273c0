// issuer-sim as a wallet: order numbers, codes used once, processing, parts, closed accounts (R80–R83).
#include "iso8583/tagged_text.hpp"
#include "tests/routing/playing_switch.hpp"

using namespace issuer_tests;

namespace {

struct WalletSwitch : Switch {
    explicit WalletSwitch(const WalletTerms& terms = {}) {
        config.kind = IssuerKind::wallet;
        config.wallet = terms;
        issuer.emplace(config, engine);
    }
    static FieldValues wallet_request(int mti, const char* code, std::int64_t amount, int stan) {
        FieldValues f = request(mti, code, amount, stan);
        f.erase(Field::pan);
        return f;
    }
    static FieldValues sale_by(const std::string& payment_code, std::int64_t amount, int stan) {
        FieldValues f = wallet_request(200, "000000", amount, stan);
        f.set(Field::additional_data, iso8583::tagged_text("A3", payment_code));
        return f;
    }
    static FieldValues refund_of(const std::string& order, std::int64_t amount, int stan) {
        FieldValues f = wallet_request(220, "200000", amount, stan);
        f.set(Field::additional_data, iso8583::tagged_text("A4", order));
        return f;
    }
    /// The order number of a sale that is approved.
    std::string sold(const std::string& payment_code, std::int64_t amount, int stan) {
        REQUIRE(ask(sale_by(payment_code, amount, stan)) == "00");
        const std::string data = answers[0].get(Field::additional_data);
        return std::string(iso8583::tagged_value(data, "A4").value());
    }
};

}  // namespace

TEST_CASE("A wallet gives each sale an order number and takes a payment code once", "[R80]") {
    WalletSwitch s;
    const std::string first = s.sold("134567890123456789", 1'000, 1);
    const std::string second = s.sold("134567890123456780", 1'000, 2);
    CHECK_FALSE(first.empty());
    CHECK(first != second);
    CHECK(s.ask(WalletSwitch::sale_by("134567890123456789", 500, 3)) == "14");
    CHECK(s.lines.empty());
    // The same request again is the same sale, with its order number.
    CHECK(s.ask(Switch::repeated(WalletSwitch::sale_by("134567890123456789", 1'000, 1))) == "00");
    CHECK(s.answers[0].get(Field::additional_data) == iso8583::tagged_text("A4", first));
    CHECK(s.ask(WalletSwitch::wallet_request(200, "000000", 100, 4)) == "30");
    CHECK(s.books().booked(EffectKind::sale).count == 2);
}

TEST_CASE("A refund goes by order number, and what nobody sold is not found", "[R80][R83]") {
    WalletSwitch s;
    const std::string order = s.sold("134567890123456789", 1'000, 1);
    CHECK(s.ask(WalletSwitch::refund_of(order, 400, 2)) == "00");
    REQUIRE(s.lines.size() == 1);
    CHECK(s.lines[0].find(R"("kind":"refund")") != std::string::npos);
    CHECK(s.ask(WalletSwitch::refund_of("ORD99999999999", 400, 3)) == "25");
    CHECK(s.books().anomalies() == 0);
}

TEST_CASE("Processing: 09 so often, then 00, booked once", "[R80]") {
    WalletSwitch s({2, 50});
    const std::string order = s.sold("134567890123456789", 1'000, 1);
    const FieldValues refund = WalletSwitch::refund_of(order, 400, 2);
    CHECK(s.ask(refund) == "09");
    CHECK(s.lines.empty());
    CHECK(s.ask(Switch::repeated(refund)) == "09");
    CHECK(s.ask(Switch::repeated(refund)) == "00");
    CHECK(s.lines.size() == 1);
    CHECK(s.ask(Switch::repeated(refund)) == "00");
    CHECK(s.books().booked(EffectKind::refund) == IssuerBooks::Total{1, 400});
    CHECK(s.control("processing 0") == "ok");
    CHECK(s.ask(WalletSwitch::refund_of(order, 100, 3)) == "00");
}

TEST_CASE("A refund number is paid once, whatever DE11 it comes with", "[R74][R80]") {
    WalletSwitch s;
    const std::string order = s.sold("134567890123456789", 1'000, 1);
    const FieldValues refund = WalletSwitch::refund_of(order, 400, 2);
    CHECK(s.ask(refund) == "00");
    FieldValues again = WalletSwitch::refund_of(order, 400, 3);
    again.set(Field::rrn, std::string(refund.get(Field::rrn)));
    CHECK(s.ask(again) == "00");
    CHECK(s.lines.empty());
    CHECK(s.books().booked(EffectKind::refund) == IssuerBooks::Total{1, 400});
}

TEST_CASE("So many parts of a sale, and none into a closed account", "[R80]") {
    WalletSwitch s({0, 2});
    const std::string order = s.sold("134567890123456789", 1'000, 1);
    CHECK(s.ask(WalletSwitch::refund_of(order, 1, 2)) == "00");
    CHECK(s.control("account close " + order) == "ok");
    CHECK(s.ask(WalletSwitch::refund_of(order, 1, 3)) == "54");
    CHECK(s.control("account open " + order) == "ok");
    CHECK(s.ask(WalletSwitch::refund_of(order, 1, 4)) == "00");
    CHECK(s.ask(WalletSwitch::refund_of(order, 1, 5)) == "65");
    CHECK(s.control("account close ORD1") == "error: account: no sale has that order number");
}

TEST_CASE("A wallet's sale is reversed by DE90, and magic amounts hold", "[R80]") {
    WalletSwitch s;
    const FieldValues sale = WalletSwitch::sale_by("134567890123456789", 1'000, 1);
    CHECK(s.ask(sale) == "00");
    FieldValues reversal = Switch::reversal(sale, 2);
    reversal.erase(Field::pan);
    CHECK(s.ask(reversal) == "00");
    CHECK(s.books().standing_by_rrn().empty());
    CHECK(s.ask(WalletSwitch::sale_by("134567890123456781", 9'951, 3)) == "51");
    CHECK(s.ask(WalletSwitch::sale_by("134567890123456782", 9'968, 4)) == "silence");
}

TEST_CASE("A card's issuer has no wallet's commands", "[R80]") {
    Switch s;
    CHECK(s.control("processing 2") == "error: processing: this issuer is no wallet");
    CHECK(s.control("account close ORD1") == "error: account: this issuer is no wallet");
    CHECK(s.control("processing") ==
          "error: processing: how often 09 is answered is needed, as in: processing 2");
    CHECK(s.control("account shut ORD1") == "error: account: close or open and an order number are needed");
}
