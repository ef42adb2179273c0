// The issuer as a switch meets it: what it books, and what it answers by magic amount.
#include "tests/routing/playing_switch.hpp"

using namespace issuer_tests;

TEST_CASE("Sale, refund, void and reversal are booked, journalled and answered in both dialects") {
    for (bool bcd : {false, true}) {
        Switch s(bcd);
        const FieldValues sale = Switch::sale(10'000, 1);
        REQUIRE(s.ask(sale) == "00");
        CHECK(s.mac_is_right(s.answers[0]));
        CHECK(s.answers[0].mti() == Mti::of(210));
        CHECK(s.answers[0].get(Field::authorization_code).size() == 6);
        CHECK_FALSE(s.answers[0].has(Field::pan));
        for (Field f :
             {Field::processing_code, Field::amount_transaction, Field::transmission_time, Field::stan,
              Field::rrn, Field::terminal, Field::merchant, Field::currency_transaction})
            CHECK(s.answers[0].get(f) == std::string(sale.get(f)));
        REQUIRE(s.lines.size() == 1);
        CHECK(s.lines[0] ==
              R"({"time":"2026-11-21T21:47:52.123Z","kind":"sale","amount":10000,"currency":"156",)"
              R"("rrn":"632500000001","stan":"000001","pan_last4":"0003","terminal":"10000001",)"
              R"("merchant":"898110157220001","de7":"1121214752","code":"00","authorization":"271828"})"
              "\n");

        CHECK(s.ask(Switch::linked(Switch::request(220, "200000", 2'500, 2), sale)) == "00");
        CHECK(s.answers[0].mti() == Mti::of(230));
        const FieldValues other = Switch::sale(700, 3);
        CHECK(s.ask(other) == "00");
        CHECK(s.ask(Switch::linked(Switch::request(200, "020000", 700, 4), other)) == "00");
        const FieldValues third = Switch::sale(900, 5);
        CHECK(s.ask(third) == "00");
        CHECK(s.ask(Switch::reversal(third, 6)) == "00");
        CHECK(s.answers[0].mti() == Mti::of(430));
        REQUIRE(s.lines.size() == 1);
        CHECK(s.lines[0].find(R"("kind":"reversal","of":"sale","amount":900,)") != std::string::npos);
        CHECK(s.lines[0].find(R"("rrn":"632500000005","stan":"000006")") != std::string::npos);

        CHECK(s.books().booked(EffectKind::sale) == IssuerBooks::Total{3, 11'600});
        CHECK(s.books().booked(EffectKind::refund) == IssuerBooks::Total{1, 2'500});
        CHECK(s.books().booked(EffectKind::void_of_sale) == IssuerBooks::Total{1, 700});
        CHECK(s.books().reversed(EffectKind::sale) == IssuerBooks::Total{1, 900});
        CHECK(s.books().anomalies() == 0);
        const auto standing = s.books().standing_by_rrn();
        CHECK(standing.at("632500000001").net() == 10'000);
        CHECK(standing.at("632500000002").net() == -2'500);
        CHECK(standing.count("632500000005") == 0);
        CHECK(s.control("books").find(R"("refund":{"count":1,"amount":2500})") != std::string::npos);
    }
}

TEST_CASE("A request is booked once per DE11, DE7 and DE37, repeats included") {
    Switch s;
    const FieldValues sale = Switch::sale(10'000, 1);
    REQUIRE(s.ask(sale) == "00");
    const std::string authorization = s.answers[0].get(Field::authorization_code);
    REQUIRE(s.ask(sale) == "00");
    CHECK(s.answers[0].get(Field::authorization_code) == authorization);
    CHECK(s.lines.empty());
    const FieldValues refund = Switch::linked(Switch::request(220, "200000", 100, 2), sale);
    // A 0221 is the first when no 0220 came before.
    REQUIRE(s.ask(Switch::repeated(refund)) == "00");
    CHECK(s.answers[0].mti() == Mti::of(230));
    REQUIRE(s.ask(refund) == "00");
    CHECK(s.lines.empty());
    // The same number at another time of DE7, or with another DE37, is another request.
    FieldValues later = refund;
    later.set(Field::transmission_time, "1121214753");
    REQUIRE(s.ask(later) == "00");
    FieldValues other_rrn = refund;
    other_rrn.set(Field::rrn, "632500999999");
    REQUIRE(s.ask(other_rrn) == "00");
    CHECK(s.books().booked(EffectKind::refund) == IssuerBooks::Total{3, 300});
    FieldValues changed = sale;
    changed.set(Field::amount_transaction, "000000020000");
    CHECK(s.ask(changed) == "94");
    CHECK(s.books().anomalies(Anomaly::content_changed) == 1);
    CHECK(s.books().booked(EffectKind::sale) == IssuerBooks::Total{1, 10'000});
}

TEST_CASE("Magic amounts") {
    struct Row {
        std::int64_t amount;
        const char* answer;
        bool booked;
    };
    for (const Row& row : {Row{19'905, "05", false},
                           {19'951, "51", false},
                           {19'954, "54", false},
                           {19'968, "silence", true},
                           {19'969, "00", true},
                           {19'970, "2 answers", true},
                           {19'971, "00", true},
                           {19'972, "00", true},
                           {19'991, "silence", true},
                           {19'996, "00", true},
                           {19'900, "00", true}}) {
        Switch s;
        CAPTURE(row.amount);
        CHECK(s.ask(Switch::sale(row.amount, 1)) == row.answer);
        CHECK(s.books().booked(EffectKind::sale).count == (row.booked ? 1 : 0));
        CHECK(s.lines.size() == (row.booked ? 1U : 0U));
        CHECK(s.closed == (row.amount == 19'991));
        if (s.answers.empty()) continue;
        CHECK(s.delays[0] == (row.amount == 19'969 ? 6'000U : 0U));
        CHECK(s.mac_is_right(s.answers[0]) == (row.amount != 19'971));
        CHECK((s.answers[0].get(Field::amount_transaction) == "000000019972") == false);
        // Reversals of it are always answered.
        CHECK(s.ask(Switch::reversal(Switch::sale(row.amount, 1), 2, 400)) == "00");
        CHECK(s.books().reversed(EffectKind::sale).count == (row.booked ? 1 : 0));
    }
}

TEST_CASE("9996: an advice is busy twice, then approved; a 0420 too") {
    Switch s;
    const FieldValues sale = Switch::sale(19'996, 1);
    REQUIRE(s.ask(sale) == "00");
    const FieldValues refund = Switch::linked(Switch::request(220, "200000", 9'996, 2), sale);
    CHECK(s.ask(refund) == "96");
    CHECK(s.lines.empty());
    CHECK(s.ask(Switch::repeated(refund)) == "96");
    CHECK(s.ask(Switch::repeated(refund)) == "00");
    CHECK(s.lines.size() == 1);
    CHECK(s.ask(Switch::repeated(refund)) == "00");
    CHECK(s.books().booked(EffectKind::refund) == IssuerBooks::Total{1, 9'996});
    const FieldValues reversal = Switch::reversal(sale, 3);
    CHECK(s.ask(reversal) == "96");
    CHECK(s.ask(Switch::repeated(reversal)) == "96");
    CHECK(s.ask(Switch::repeated(reversal)) == "00");
    CHECK(s.books().reversed(EffectKind::sale).count == 1);
}

TEST_CASE("A reversal that is told to find nothing and does: the original gets 12 as well") {
    for (const char* code : {"25", "76", "79"}) {
        Switch s;
        const FieldValues sale = Switch::sale(1'000, 1);
        s.control(std::string("next reversal decline ") + code);
        CHECK(s.ask(Switch::reversal(sale, 2)) == code);
        CHECK(s.ask(sale) == "12");
        CHECK(s.books().booked(EffectKind::sale).count == 0);
    }
}

TEST_CASE("A reversal before its original: 25, remembered, and the original gets 12") {
    Switch s;
    const FieldValues sale = Switch::sale(5'000, 1);
    CHECK(s.ask(Switch::reversal(sale, 2)) == "25");
    CHECK(s.ask(Switch::repeated(Switch::reversal(sale, 2))) == "25");
    CHECK(s.ask(Switch::reversal(sale, 3)) == "25");  // another one, later
    CHECK(s.ask(sale) == "12");
    CHECK(s.ask(sale) == "12");
    CHECK(s.books().booked(EffectKind::sale).count == 0);
    CHECK(s.ask(Switch::repeated(Switch::reversal(sale, 2))) == "25");
    // Without DE37 the numbers of DE90 have to do.
    const FieldValues second = Switch::sale(5'000, 4);
    FieldValues nameless = Switch::reversal(second, 5);
    nameless.erase(Field::rrn);
    CHECK(s.ask(nameless) == "25");
    CHECK(s.ask(second) == "12");
    CHECK(s.books().booked(EffectKind::sale).count == 0);
}

TEST_CASE("Reversals of what they find") {
    Switch s;
    const FieldValues sale = Switch::sale(10'000, 1);
    REQUIRE(s.ask(sale) == "00");
    const FieldValues refund = Switch::linked(Switch::request(200, "200000", 4'000, 2), sale);
    REQUIRE(s.ask(refund) == "00");
    CHECK(s.ask(Switch::reversal(refund, 3)) == "00");
    CHECK(s.lines.at(0).find(R"("of":"refund")") != std::string::npos);
    CHECK(s.ask(Switch::repeated(Switch::reversal(refund, 3))) == "00");
    CHECK(s.ask(Switch::reversal(refund, 4)) == "79");  // another reversal of the same
    CHECK(s.books().anomalies(Anomaly::reversal_repeated) == 1);

    const FieldValues undo = Switch::linked(Switch::request(200, "020000", 10'000, 5), sale);
    REQUIRE(s.ask(undo) == "00");
    CHECK(s.ask(Switch::reversal(undo, 6)) == "00");  // the sale stands again
    CHECK(s.lines.at(0).find(R"("of":"void")") != std::string::npos);
    CHECK(s.ask(Switch::linked(Switch::request(200, "200000", 10'000, 7), sale)) == "00");
    CHECK(s.books().anomalies(Anomaly::refund_of_reversed) == 0);

    const FieldValues declined = Switch::sale(9'905, 8);
    REQUIRE(s.ask(declined) == "05");
    CHECK(s.ask(Switch::reversal(declined, 9)) == "00");  // nothing to take back
    CHECK(s.lines.empty());
}

TEST_CASE("9910 approves half of it with 10, which a reversal of the whole takes back", "[R26]") {
    Switch s;
    const FieldValues sale = Switch::sale(19'910, 1);
    REQUIRE(s.ask(sale) == "10");
    CHECK(s.answers.back().get(Field::amount_transaction) == "000000009955");
    CHECK(s.books().booked(EffectKind::sale).amount == 9'955);
    REQUIRE(s.ask(sale) == "10");  // the same again
    CHECK(s.answers.back().get(Field::amount_transaction) == "000000009955");
    CHECK(s.books().anomalies() == 0);
    CHECK(s.ask(Switch::reversal(sale, 2)) == "00");
    CHECK(s.books().reversed(EffectKind::sale).amount == 9'955);
}

TEST_CASE("A partial reversal leaves what DE95 says") {
    Switch s;
    const FieldValues sale = Switch::sale(10'000, 1);
    REQUIRE(s.ask(sale) == "00");
    FieldValues partial = Switch::reversal(sale, 2);
    partial.set(Field::replacement_amounts, "000000004000" + std::string(30, '0'));
    CHECK(s.ask(partial) == "00");
    CHECK(s.books().standing_by_rrn().at("632500000001").sale == 4'000);
    CHECK(s.books().reversed(EffectKind::sale) == IssuerBooks::Total{1, 6'000});
    FieldValues more = Switch::reversal(sale, 3);
    more.set(Field::replacement_amounts, "000000005000" + std::string(30, '0'));
    CHECK(s.ask(more) == "64");
}

TEST_CASE("What no issuer should have been asked is remembered") {
    Switch s;
    const FieldValues sale = Switch::sale(1'000, 1);
    REQUIRE(s.ask(sale) == "00");
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 600, 2), sale)) == "00");
    CHECK(s.books().anomalies() == 0);
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 401, 3), sale)) == "00");
    CHECK(s.books().anomalies(Anomaly::refund_over_sale) == 1);
    REQUIRE(s.ask(Switch::linked(Switch::request(200, "020000", 1'000, 4), sale)) == "00");
    CHECK(s.books().anomalies(Anomaly::void_of_refunded) == 1);
    REQUIRE(s.ask(Switch::request(220, "200000", 100, 5)) == "00");
    CHECK(s.books().anomalies(Anomaly::refund_without_original) == 1);
    const FieldValues gone = Switch::sale(1'000, 6);
    REQUIRE(s.ask(gone) == "00");
    REQUIRE(s.ask(Switch::reversal(gone, 7)) == "00");
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 100, 8), gone)) == "00");
    CHECK(s.books().anomalies(Anomaly::refund_of_reversed) == 1);
}
