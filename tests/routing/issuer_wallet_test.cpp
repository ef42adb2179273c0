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

TEST_CASE(
    "A wallet gives discounts: by configuration, by command, by the magic amount; the answer again says the "
    "same",
    "[R102]") {
    WalletTerms terms;
    terms.discount = {10, 20};
    WalletSwitch s(terms);
    const FieldValues sale = WalletSwitch::sale_by("134567890123456789", 10'001, 1);
    CHECK(s.ask(sale) == "00");
    const std::string amounts = "0080156C0000000010000081156C000000002000";  // rounded down
    CHECK(s.answers[0].get(Field::additional_amounts) == amounts);
    CHECK(s.ask(Switch::repeated(sale)) == "00");
    CHECK(s.answers[0].get(Field::additional_amounts) == amounts);
    CHECK(s.control("discount 0 50") == "ok");
    CHECK(s.ask(WalletSwitch::sale_by("134567890123456781", 800, 2)) == "00");
    CHECK(s.answers[0].get(Field::additional_amounts) == "0081156C000000000400");
    CHECK(s.control("discount 0 0") == "ok");
    CHECK(s.ask(WalletSwitch::sale_by("134567890123456782", 800, 3)) == "00");
    CHECK_FALSE(s.answers[0].has(Field::additional_amounts));
    CHECK(s.ask(WalletSwitch::sale_by("134567890123456783", 9'980, 4)) == "00");
    CHECK(s.answers[0].get(Field::additional_amounts) == "0080156C0000000009980081156C000000001996");
    CHECK(s.control("next sale discount") == "ok");
    CHECK(s.ask(WalletSwitch::sale_by("134567890123456784", 100, 5)) == "00");
    CHECK(s.answers[0].get(Field::additional_amounts) == "0080156C0000000000100081156C000000000020");
    CHECK(s.control("books").find(R"("discounts":{"sales":4,"wallet_funded":2008,"merchant_funded":4416,)"
                                  R"("merchant_funded_standing":4416})") != std::string::npos);
    // Declined, there is nothing to give.
    CHECK(s.ask(WalletSwitch::sale_by("134567890123456789", 9'980, 6)) == "14");
    CHECK_FALSE(s.answers[0].has(Field::additional_amounts));
}

TEST_CASE("What of the merchant's part stands after refunds: rounded down of all of them together",
          "[R102]") {
    WalletTerms terms;
    terms.discount = {0, 33};
    WalletSwitch s(terms);
    const std::string order = s.sold("134567890123456789", 100, 1);  // paid 67, by the merchant 33
    const auto standing = [&] { return s.books().standing_by_rrn().at("632500000001").discount; };
    CHECK(standing() == 33);
    struct Row {
        std::int64_t refund, stands;
    };
    int stan = 2;
    // Asked back: 67 × 10 / 100 = 6, then 67 × 99 / 100 = 66, then all of it.
    for (const Row& row : {Row{10, 29}, {89, 0}, {1, 0}}) {
        CHECK(s.ask(WalletSwitch::refund_of(order, row.refund, stan++)) == "00");
        INFO(row.refund);
        CHECK(standing() == row.stands);
    }
    const FieldValues sale = WalletSwitch::sale_by("134567890123456781", 100, 20);
    CHECK(s.ask(sale) == "00");
    FieldValues reversal = Switch::reversal(sale, 21);
    reversal.erase(Field::pan);
    CHECK(s.ask(reversal) == "00");
    CHECK_FALSE(s.books().standing_by_rrn().contains("632500000020"));
    CHECK(s.control("books").find(R"("merchant_funded_standing":0)") != std::string::npos);
}

TEST_CASE("Discounts that cannot be are refused with what was expected", "[R102]") {
    WalletSwitch s;
    for (const char* wrong :
         {"discount", "discount 10", "discount 60 41", "discount -1 0", "discount 1 2 3"}) {
        INFO(wrong);
        CHECK(s.control(wrong).starts_with("error: discount: percent by the wallet and by the merchant"));
    }
    WalletTerms terms;
    CHECK_FALSE(check_wallet(terms));
    terms.discount = {60, 41};
    CHECK(check_wallet(terms) == "wallet: discounts are at most 100 percent together");
    terms.discount = {};
    terms.wallet_funded_type = "81";
    CHECK(check_wallet(terms) ==
          "wallet: the amount types of discounts are two digits each, and not the same");
}

TEST_CASE("A card's issuer has no wallet's commands", "[R80]") {
    Switch s;
    CHECK(s.control("discount 10 20") == "error: discount: this issuer is no wallet");
    CHECK(s.ask(Switch::sale(9'980, 90)) == "00");
    CHECK_FALSE(s.answers[0].has(Field::additional_amounts));
    CHECK(s.control("processing 2") == "error: processing: this issuer is no wallet");
    CHECK(s.control("account close ORD1") == "error: account: this issuer is no wallet");
    CHECK(s.control("processing") ==
          "error: processing: how often 09 is answered is needed, as in: processing 2");
    CHECK(s.control("account shut ORD1") == "error: account: close or open and an order number are needed");
}
