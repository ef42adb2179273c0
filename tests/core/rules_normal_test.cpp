// Normal work: R1–R25 under their numbers, where no failure is involved. Reads as a table of cases.
#include <catch2/catch.hpp>

#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

TEST_CASE("R1 an approved sale is on the books with the issuer's authorization code", "[R1]") {
    for (const bool iso : {false, true}) {
        Desk d;
        const Answer s = d.sale(card_b, "000000010000", iso);
        CHECK(s.code == "00");
        CHECK(s.rrn.size() == 12);
        CHECK(s.rrn.substr(0, 4) == "6325");  // 2026-11-21 is day 325
        CHECK(s.authorization.size() == 6);
        CHECK(!s.fields.has(Field::pan));
        const auto r = d.record(s.rrn);
        CHECK(r.state == ledger::State::approved);
        REQUIRE(r.postings.size() == 1);
        CHECK(r.postings[0].amount_minor == 10000);
        CHECK(d.sent.size() == 1);
        CHECK(d.sent[0].fields.get(Field::pan) == card_b);
        CHECK(d.sent[0].fields.get(Field::rrn) == s.rrn);
    }
}

TEST_CASE("R2 a declined sale carries the issuer's DE39 and is not on the books", "[R2]") {
    Desk d;
    d.issuer = [](const Sent&) { return Does{Does::Kind::decline, "51", MacState::verified, {}}; };
    const auto s = d.ask({});
    REQUIRE(s);
    CHECK(s->code == "51");
    CHECK(d.state(s->rrn) == "declined");
    CHECK(d.record(s->rrn).postings.empty());
}

TEST_CASE("R3 a void takes the sale off the books, online or as a reversal by its route", "[R3]") {
    struct Row {
        const char* card;
        const char* mti;
        const char* code;
    };
    for (const Row& row : {Row{card_a, "0420", "000000"}, Row{card_b, "0200", "020000"}})
        for (const bool iso : {false, true}) {
            Desk d;
            const Answer s = d.sale(row.card, "000000010000", iso);
            const auto v = d.ask(d.void_of(s, row.card));
            REQUIRE(v);
            CHECK(v->code == "00");
            CHECK(d.state(s.rrn) == "voided");
            CHECK(d.state(v->rrn) == "voided");
            CHECK(d.last_sent(row.mti).fields.get(Field::processing_code) == row.code);
            CHECK(d.record(s.rrn).postings.size() == 2);
            // What is voided cannot be refunded.
            CHECK(d.ask(d.refund_of(s, "000000000100", row.card))->code == "12");
        }
}

TEST_CASE("R4 R5 R6 R7 a void that is not the whole fresh sale of its own terminal", "[R4][R5][R6][R7]") {
    Desk d;
    const Answer s = d.sale();
    CHECK(d.ask(d.void_of(s, card_b, "000000009999"))->code == "64");  // R4
    Ask elsewhere = d.void_of(s);
    elsewhere.terminal = "10000002";
    CHECK(d.ask(elsewhere)->code == "58");  // R7
    Ask other_trace = d.void_of(s);
    other_trace.original_trace = "000999";
    CHECK(d.ask(other_trace)->code == "25");
    CHECK(d.ask(d.refund_of(s, "000000000100"))->code == "00");
    CHECK(d.ask(d.void_of(s))->code == "12");  // R6

    const Answer second = d.sale();
    CHECK(d.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin).done);
    const auto late = d.ask(d.void_of(second));
    CHECK(late->code == "12");  // R5
    CHECK(late->text == "REFUND INSTEAD");
}

TEST_CASE("R8 R10 R12 R11 a refund in parts up to exactly the sale, from any terminal, then no more",
          "[R8][R10][R11][R12]") {
    for (const char* card : {card_a, card_b})
        for (const bool iso : {false, true}) {
            Desk d;
            const Answer s = d.sale(card, "000000010000", iso);
            Ask first = d.refund_of(s, "000000003000", card);
            first.terminal = iso ? "20000002" : "10000002";
            CHECK(d.ask(first)->code == "00");
            CHECK(d.remaining(s.rrn) == 7000);
            CHECK(d.ask(d.refund_of(s, "000000007001", card))->code == "64");
            const auto last = d.ask(d.refund_of(s, "000000007000", card));
            CHECK(last->code == "00");
            CHECK(d.remaining(s.rrn) == 0);
            CHECK(d.ask(d.refund_of(s, "000000000001", card))->code == "64");
            CHECK(d.state(last->rrn) == "approved");
            // The link to the original: DE38 and DE90 of the sale.
            const Sent& out = d.last_sent(card == card_a ? "0220" : "0200");
            CHECK(out.fields.get(Field::authorization_code) == s.authorization);
            CHECK(out.fields.get(Field::original_data).substr(4, 6) == d.sent[0].fields.get(Field::stan));
            CHECK(out.fields.get(Field::pan) == card);
        }
}

TEST_CASE("R8 a refund of the whole sale", "[R8]") {
    Desk d;
    const Answer s = d.sale(card_b);
    CHECK(d.ask(d.refund_of(s, "000000010000"))->code == "00");
    CHECK(d.remaining(s.rrn) == 0);
}

TEST_CASE("R13 two refunds at once: the first is reserved, the second refused", "[R13]") {
    Desk d;
    const Answer s = d.sale();
    d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "", MacState::verified, {}}; };
    CHECK(!d.ask(d.refund_of(s, "000000006000")));  // with the issuer
    CHECK(d.ask(d.refund_of(s, "000000006000"))->code == "64");
    CHECK(d.count_sent("0200") == 2);
}

TEST_CASE("R14 a refund follows the state of its sale", "[R14]") {
    Desk d;
    const Answer voided = d.sale();
    REQUIRE(d.ask(d.void_of(voided))->code == "00");
    CHECK(d.ask(d.refund_of(voided, "000000000100"))->code == "12");

    Ask s;
    s.trace = d.next_trace();
    const auto reversed = d.ask(s);
    REQUIRE(d.ask(d.reversal_of(s))->code == "00");
    CHECK(d.state(reversed->rrn) == "reversed");
    CHECK(d.ask(d.refund_of(*reversed, "000000000100"))->code == "12");

    Ask pending;
    pending.trace = d.next_trace();
    d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "", MacState::verified, {}}; };
    CHECK(!d.ask(pending));
    const std::string rrn(d.last_sent("0200").fields.get(Field::rrn));
    Answer in_flight;
    in_flight.rrn = rrn;
    in_flight.fields.set(Field::local_date, "1121");
    CHECK(d.ask(d.refund_of(in_flight, "000000000100"))->code == "09");
    d.pass(5001);  // silent: reversing
    CHECK(d.ask(d.refund_of(in_flight, "000000000100"))->code == "09");
}

TEST_CASE("R15 other card, other currency, other merchant", "[R15]") {
    Desk d;
    const Answer s = d.sale(card_a);
    CHECK(d.ask(d.refund_of(s, "000000000100", card_a2))->code == "14");
    Ask currency = d.refund_of(s, "000000000100", card_a);
    currency.currency = "840";
    CHECK(d.ask(currency)->code == "13");
    Ask merchant = d.refund_of(s, "000000000100", card_a);
    merchant.merchant = "898110157220005";
    merchant.terminal = "50000001";
    CHECK(d.ask(merchant)->code == "25");
    CHECK(d.status().counters.at("fraud.other_card") == 1);
}

TEST_CASE("R16 after the window", "[R16]") {
    Desk d;
    Ask s;
    s.trace = d.next_trace();
    s.merchant = "898110157220004";
    s.terminal = "40000001";
    const auto sale = d.ask(s);
    REQUIRE(sale->code == "00");
    Ask r = d.refund_of(*sale, "000000000100");
    r.merchant = s.merchant;
    r.terminal = s.terminal;
    REQUIRE(d.ask(r)->code == "00");
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin).done);
    r.trace = d.next_trace();
    CHECK(d.ask(r)->code == "57");
}

TEST_CASE("R17 over a limit, or keyed in and over the lower one, a refund waits for a checker and counts",
          "[R17]") {
    struct Row {
        const char* amount;
        const char* entry;
        const char* code;
    };
    for (const Row& row : {Row{"000001000000", "051", "00"}, Row{"000001000001", "051", "01"},
                           Row{"000000100000", "012", "00"}, Row{"000000100001", "012", "01"}}) {
        Desk d;
        const Answer s = d.sale(card_b, "000002000000");
        Ask r = d.refund_of(s, row.amount);
        r.entry_mode = row.entry;
        const auto answer = d.ask(r);
        CHECK(answer->code == row.code);
        CHECK(d.remaining(s.rrn) == 2'000'000 - std::stoll(row.amount));
        if (answer->code == "01") {
            CHECK(answer->text == answer->rrn);  // the case number alone
            CHECK(d.state(answer->rrn) == "held");
            CHECK(d.status().held == 1);
        }
    }
}

TEST_CASE("R18 a recorded chargeback lowers what remains", "[R18]") {
    ledger::TransactionRecord sale;
    sale.amount = iso8583::Amount(10000, iso8583::Currency::of(156));
    sale.chargebacks_minor = 6000;
    sale.refunds_minor = 3000;
    CHECK(sale.remaining_minor() == 1000);
    sale.refunds_minor = 5000;
    CHECK(sale.remaining_minor() == 0);
}

TEST_CASE("R19 zero or non-numeric amount", "[R19]") {
    Desk d;
    for (const char* amount : {"000000000000", "0000000010X0"}) {
        Ask s;
        s.trace = d.next_trace();
        s.amount = amount;
        CHECK(d.ask(s)->code == "13");
    }
    const Answer s = d.sale();
    CHECK(d.ask(d.refund_of(s, "000000000000"))->code == "13");
    CHECK(d.sent.size() == 1);
}

TEST_CASE("R23 no sale with that key; no date; a sale is never found by another's date", "[R23]") {
    Desk d;
    const Answer s = d.sale();
    Ask unknown = d.refund_of(s, "000000000100");
    unknown.rrn = "632500000000";
    CHECK(d.ask(unknown)->code == "25");
    Ask dateless = d.refund_of(s, "000000000100");
    dateless.date = "0000";
    CHECK(d.ask(dateless)->code == "25");
    dateless.trace = d.next_trace();
    dateless.date.clear();  // without DE61 altogether: a mandatory field
    CHECK(d.ask(dateless)->code == "30");
    Ask other_day = d.refund_of(s, "000000000100");
    other_day.date = "1120";
    CHECK(d.ask(other_day)->code == "25");
    Ask other_code = d.refund_of(s, "000000000100");
    other_code.authorization = "XXXXXX";
    CHECK(d.ask(other_code)->code == "25");
}

TEST_CASE("R24 not enabled; limit of amount; limit of count, held ones included", "[R24]") {
    Desk d;
    Ask s;
    s.trace = d.next_trace();
    s.merchant = "898110157220003";
    s.terminal = "30000001";
    const auto off = d.ask(s);
    Ask r = d.refund_of(*off, "000000000100");
    r.merchant = s.merchant;
    r.terminal = s.terminal;
    CHECK(d.ask(r)->code == "58");

    s.trace = d.next_trace();
    s.merchant = "898110157220005";
    s.terminal = "50000001";
    s.amount = "000000200000";
    const auto limited = d.ask(s);
    r = d.refund_of(*limited, "000000050001");
    r.merchant = s.merchant;
    r.terminal = s.terminal;
    CHECK(d.ask(r)->code == "61");
    r.amount = "000000000100";
    for (int i = 0; i < 5; ++i) {
        r.trace = d.next_trace();
        CHECK(d.ask(r)->code == "00");
    }
    r.trace = d.next_trace();
    CHECK(d.ask(r)->code == "65");
    d.restart();  // the count is folded again
    r.trace = d.next_trace();
    CHECK(d.ask(r)->code == "65");
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin).done);
    r.trace = d.next_trace();
    CHECK(d.ask(r)->code == "00");
}

TEST_CASE("R25 format 30 is said before the MAC's A0, and before a sign-on is asked for", "[R25][R40]") {
    Desk d;
    Ask s;
    s.trace = d.next_trace();
    for (const MacState mac : {MacState::wrong, MacState::missing, MacState::no_key, MacState::hsm_down}) {
        s.mac = mac;
        s.format_fault = "DE52 at offset 90: 8 bytes are needed";
        const auto refused = d.ask(s);
        CHECK(refused->code == "30");
        CHECK(refused->rrn.empty());
    }
    s.format_fault.clear();
    s.mac = MacState::wrong;
    CHECK(d.ask(s)->code == "A0");
}

TEST_CASE("R25 unknown, suspended, not the terminal's merchant, not signed on", "[R25]") {
    Desk d;
    Ask s;
    s.trace = d.next_trace();
    s.terminal = "99999999";
    CHECK(d.ask(s)->code == "97");
    s.terminal = "10000001";
    s.merchant = "898110157220005";
    CHECK(d.ask(s)->code == "97");
    s.merchant.clear();
    s.mac = MacState::no_key;
    const auto unsigned_on = d.ask(s);
    CHECK(unsigned_on->code == "77");
    CHECK(unsigned_on->sign_on_again);
    CHECK(unsigned_on->rrn.empty());
    s.mac = MacState::wrong;
    CHECK(d.ask(s)->code == "A0");
    s.mac = MacState::verified;
    s.format_fault = "DE22 at offset 40: a character outside its class";
    CHECK(d.ask(s)->code == "30");
    s.format_fault.clear();
    // A forger or a passing fault occupied nothing: the same key goes through now.
    const auto good = d.ask(s);
    CHECK(good->code == "00");

    REQUIRE(d.operate(acquirer::ChangeMerchant{"898110157220001", acquirer::ChangeMerchant::To::suspend}, "s",
                      acquirer::Role::supervisor)
                .done);
    CHECK(d.ask(s)->code == "00");  // a retry passes
    Ask fresh = s;
    fresh.trace = d.next_trace();
    CHECK(d.ask(fresh)->code == "03");
    CHECK(d.ask(d.reversal_of(s))->code == "00");  // and so does a reversal
    REQUIRE(d.operate(acquirer::ChangeMerchant{"898110157220001", acquirer::ChangeMerchant::To::resume}, "s",
                      acquirer::Role::supervisor)
                .done);
    REQUIRE(d.operate(acquirer::ChangeTerminal{"10000001", acquirer::ChangeTerminal::To::suspend}, "s",
                      acquirer::Role::supervisor)
                .done);
    fresh.trace = d.next_trace();
    CHECK(d.ask(fresh)->code == "97");
    d.restart();
    fresh.trace = d.next_trace();
    CHECK(d.ask(fresh)->code == "97");  // overrides survive
    fresh.terminal = "10000002";
    CHECK(d.ask(fresh)->code == "00");
}

TEST_CASE("a card without a route is 15 and recorded; a closed batch is 77 and not", "[R24]") {
    Desk d;
    Ask s;
    s.trace = d.next_trace();
    s.card = card_nowhere;
    const auto nowhere = d.ask(s);
    CHECK(nowhere->code == "15");
    CHECK(d.ask(s)->rrn == nowhere->rrn);
    s.card = card_b;
    s.trace = d.next_trace();
    s.batch = "000007";
    CHECK(d.ask(s)->code == "77");
}
