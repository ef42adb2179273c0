// Reversals: R30–R40 under their numbers.
#include <catch2/catch.hpp>
#include <set>

#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

namespace {

const Does silent{Does::Kind::silent, "", MacState::verified, {}};
Does declines(const char* code) { return {Does::Kind::decline, code, MacState::verified, {}}; }

Ask sale_ask(Desk& d, bool iso, const char* card = card_b) {
    Ask s;
    s.iso = iso;
    s.card = card;
    s.trace = d.next_trace();
    return s;
}

}  // namespace

TEST_CASE("R30 R31 a reversal is answered 00 once queued; one 0420 ever", "[R30][R31]") {
    for (const bool iso : {false, true})
        for (const char* card : {card_a, card_b}) {
            Desk d;
            const Ask s = sale_ask(d, iso, card);
            const auto sale = d.ask(s);
            const Ask r = d.reversal_of(s);
            const auto reversed = d.ask(r);
            REQUIRE(reversed);
            CHECK(reversed->code == "00");
            CHECK(reversed->rrn == sale->rrn);
            CHECK(d.state(sale->rrn) == "reversed");
            CHECK(d.ask(r)->code == "00");
            CHECK(d.ask(r)->rrn == sale->rrn);
            CHECK(d.count_sent("0420") == 1);
            const Sent& out = d.last_sent("0420");
            CHECK(out.fields.get(Field::rrn) == sale->rrn);
            CHECK(out.fields.get(Field::original_data).substr(0, 10) ==
                  "0200" + std::string(d.sent[0].fields.get(Field::stan)));
            CHECK(d.record(sale->rrn).postings.size() == 2);
        }
}

TEST_CASE("R30 a reversal goes on its original's connection while that is up, else on any", "[R30]") {
    Desk d;
    // Connections that take turns by DE11: one sale more in every second round moves the turn.
    d.link(Desk::b, true, 701);
    std::set<std::uint64_t> used;
    for (int i = 0; i < 6; ++i) {
        // Sales that stay with the issuer bring the turn to other connections.
        d.issuer = [](const Sent&) { return silent; };
        if (i % 2 == 1) static_cast<void>(d.ask(sale_ask(d, false)));
        const Ask asked = sale_ask(d, false);
        static_cast<void>(d.ask(asked));
        const LinkId original = d.last_sent("0200").link;
        used.insert(original.value);
        const std::size_t reversals = d.count_sent("0420");
        d.issuer = [](const Sent& m) { return m.mti() == "0200" ? silent : Does{}; };
        static_cast<void>(d.ask(d.reversal_of(asked)));
        static_cast<void>(d.ask(sale_ask(d, false)));
        d.pass(6'000);
        REQUIRE(d.count_sent("0420") > reversals);
    }
    CHECK(used.size() > 1);
    // Every 0420 went where its 0200 went.
    for (const Sent& reversal : d.sent) {
        if (reversal.mti() != "0420") continue;
        for (const Sent& sale : d.sent)
            if (sale.mti() == "0200" && sale.fields.get(Field::rrn) == reversal.fields.get(Field::rrn))
                CHECK(sale.link == reversal.link);
    }
}

TEST_CASE("R30 a reversal whose original's connection is gone goes on another one", "[R30]") {
    Desk d;
    d.link(Desk::b, true, 701);
    const Ask s = sale_ask(d, false);
    static_cast<void>(d.ask(s));
    const LinkId original = d.last_sent("0200").link;
    d.offer(acquirer::IssuerLinkDown{Desk::b, original, "test"});
    static_cast<void>(d.ask(d.reversal_of(s)));
    REQUIRE(d.count_sent("0420") == 1);
    CHECK(d.last_sent("0420").link != original);
}

TEST_CASE("R30 with the issuer down the reversal is queued, answered 00, and goes when the link is back",
          "[R30]") {
    Desk d;
    const Ask s = sale_ask(d, false);
    const auto sale = d.ask(s);
    d.link(Desk::b, false);
    CHECK(d.ask(d.reversal_of(s))->code == "00");
    CHECK(d.count_sent("0420") == 0);
    CHECK(d.state(sale->rrn) == "reversing");
    d.restart();
    CHECK(d.count_sent("0420") == 1);
    CHECK(d.state(sale->rrn) == "reversed");
}

TEST_CASE("R31 a reversal of what the switch reverses itself", "[R31]") {
    Desk d;
    d.issuer = [](const Sent& m) { return m.mti() == "0200" ? silent : Does{}; };
    const Ask s = sale_ask(d, false);
    CHECK(!d.ask(s));
    d.pass(5001);
    CHECK(d.ask(d.reversal_of(s))->code == "00");
    CHECK(d.count_sent("0420") == 1);
}

TEST_CASE("R32 a void is reversed: its sale stands again, or the void stands after all", "[R32]") {
    SECTION("online, done") {
        Desk d;
        const Answer s = d.sale();
        const Ask v = d.void_of(s);
        const auto voided = d.ask(v);
        CHECK(d.ask(d.reversal_of(v))->code == "00");
        CHECK(d.state(voided->rrn) == "reversed");
        CHECK(d.state(s.rrn) == "approved");
        CHECK(d.ask(d.refund_of(s, "000000010000"))->code == "00");
    }
    SECTION("online, while the 0420 is on its way everything on the sale is 09") {
        Desk d;
        const Answer s = d.sale();
        const Ask v = d.void_of(s);
        REQUIRE(d.ask(v)->code == "00");
        d.issuer = [](const Sent&) { return silent; };
        CHECK(d.ask(d.reversal_of(v))->code == "00");
        CHECK(d.state(s.rrn) == "void_reversing");
        CHECK(d.ask(d.refund_of(s, "000000000100"))->code == "09");
        CHECK(d.ask(d.void_of(s))->code == "09");
    }
    SECTION("online, refused by the issuer") {
        Desk d;
        const Answer s = d.sale();
        const Ask v = d.void_of(s);
        const auto voided = d.ask(v);
        d.issuer = [](const Sent&) { return declines("12"); };
        CHECK(d.ask(d.reversal_of(v))->code == "00");
        CHECK(d.state(voided->rrn) == "voided");
        CHECK(d.state(s.rrn) == "voided");
        CHECK(d.exceptions("reversal_stuck").size() == 1);
    }
    SECTION("sent as a 0420 of the sale, attempted") {
        Desk d;
        const Answer s = d.sale(card_a);
        const Ask v = d.void_of(s, card_a);
        REQUIRE(d.ask(v)->code == "00");
        CHECK(d.ask(d.reversal_of(v))->code == "12");
        CHECK(d.exceptions("void_reversal").size() == 1);
    }
    SECTION("sent as a 0420 of the sale, never attempted: cancelled") {
        Desk d;
        const Answer s = d.sale(card_a);
        d.link(Desk::a, false);
        const Ask v = d.void_of(s, card_a);
        const auto voided = d.ask(v);
        CHECK(voided->code == "00");  // queued durably, link up or down
        CHECK(d.ask(d.reversal_of(v))->code == "00");
        CHECK(d.state(voided->rrn) == "cancelled");
        CHECK(d.state(s.rrn) == "approved");
        d.link(Desk::a, true);
        CHECK(d.count_sent("0420") == 0);
    }
}

TEST_CASE("R33 reversal of a refund", "[R33]") {
    SECTION("online: reversed, remaining restored") {
        Desk d;
        const Answer s = d.sale();
        const Ask r = d.refund_of(s, "000000004000");
        const auto refund = d.ask(r);
        CHECK(d.remaining(s.rrn) == 6000);
        CHECK(d.ask(d.reversal_of(r))->code == "00");
        CHECK(d.state(refund->rrn) == "reversed");
        CHECK(d.remaining(s.rrn) == 10000);
    }
    SECTION("advice never attempted: cancelled") {
        Desk d;
        const Answer s = d.sale(card_a);
        d.link(Desk::a, false);
        const Ask r = d.refund_of(s, "000000004000", card_a);
        const auto refund = d.ask(r);
        CHECK(refund->code == "00");  // R52: accepted and queued
        CHECK(d.ask(d.reversal_of(r))->code == "00");
        CHECK(d.state(refund->rrn) == "cancelled");
        CHECK(d.remaining(s.rrn) == 10000);
        d.link(Desk::a, true);
        CHECK(d.count_sent("0220") == 0);
        CHECK(d.ask(r)->code == "12");  // a retry of a refund cancelled by a reversal
    }
    SECTION("advice attempted: an exception, the refund goes on, further refunds are held") {
        Desk d;
        const Answer s = d.sale(card_a);
        const Ask r = d.refund_of(s, "000000004000", card_a);
        REQUIRE(d.ask(r)->code == "00");
        CHECK(d.ask(d.reversal_of(r))->code == "12");
        CHECK(d.exceptions("refund_reversal").size() == 1);
        CHECK(d.remaining(s.rrn) == 6000);
        CHECK(d.ask(d.refund_of(s, "000000001000", card_a))->code == "01");  // R20b
        const auto id = d.exceptions("refund_reversal")[0].id;
        REQUIRE(
            d.operate(acquirer::ChangeException{id, acquirer::ChangeException::To::resolve, "slip checked"},
                      "s", acquirer::Role::supervisor)
                .done);
        CHECK(d.ask(d.refund_of(s, "000000002000", card_a))->code == "00");
    }
    SECTION("held: the case is cancelled") {
        Desk d;
        const Answer s = d.sale(card_b, "000002000000");
        const Ask r = d.refund_of(s, "000001000001");
        const auto held = d.ask(r);
        REQUIRE(held->code == "01");
        CHECK(d.ask(d.reversal_of(r))->code == "00");
        CHECK(d.state(held->rrn) == "cancelled");
        CHECK(d.remaining(s.rrn) == 2'000'000);
        CHECK(d.ask(r)->code == "12");
    }
}

TEST_CASE("R34 a reversal while the original is in flight", "[R34]") {
    struct Row {
        Does answer;
        const char* state;
        std::size_t reversals;
    };
    for (const Row& row :
         {Row{Does{}, "reversed", 1}, Row{declines("51"), "declined", 0}, Row{declines("96"), "reversed", 1}})
        for (const bool iso : {false, true}) {
            Desk d;
            d.issuer = [](const Sent& m) { return m.mti() == "0200" ? silent : Does{}; };
            const Ask s = sale_ask(d, iso);
            CHECK(!d.ask(s));
            const Sent out = d.sent.back();
            CHECK(d.ask(d.reversal_of(s))->code == "00");
            CHECK(d.count_sent("0420") == 0);
            const std::size_t answers = d.answers.size();
            d.reply(out, row.answer);
            d.offer(acquirer::TerminalLinkClosed{{99}});
            CHECK(d.answers.size() == answers);  // the original's own answer is dropped
            const std::string rrn(out.fields.get(Field::rrn));
            CHECK(d.state(rrn) == row.state);
            CHECK(d.count_sent("0420") == row.reversals);
            CHECK(d.ask(s)->code == "12");
        }
}

TEST_CASE("R34 a sale being voided is reversed only if the void fails", "[R34]") {
    for (const bool fails : {true, false}) {
        Desk d;
        const Ask s = sale_ask(d, false);
        const auto sale = d.ask(s);
        d.issuer = [](const Sent& m) { return m.mti() == "0200" ? silent : Does{}; };
        CHECK(!d.ask(d.void_of(*sale)));
        const Sent out = d.sent.back();
        CHECK(d.ask(d.reversal_of(s))->code == "00");
        d.reply(out, fails ? declines("05") : Does{});
        d.offer(acquirer::TerminalLinkClosed{{99}});
        CHECK(d.state(sale->rrn) == (fails ? "reversed" : "voided"));
        CHECK(d.count_sent("0420") == (fails ? 1U : 0U));
    }
}

TEST_CASE("R35 R36 a reversal before its original leaves a tombstone", "[R35][R36]") {
    struct Row {
        bool iso;
        const char* code;
    };
    for (const Row& row : {Row{false, "25"}, Row{true, "00"}}) {
        Desk d;
        const Ask s = sale_ask(d, row.iso);
        const auto r = d.ask(d.reversal_of(s));
        REQUIRE(r);
        CHECK(r->code == row.code);
        CHECK(d.sent.empty());
        const auto original = d.ask(s);
        CHECK(original->code == "12");
        CHECK(d.sent.empty());
        CHECK(d.ask(s)->code == "12");
        CHECK(d.state(original->rrn) == "declined");
    }
}

TEST_CASE("R35 the same early reversal again is the same answer; a near match is an exception", "[R35]") {
    Desk d;
    const Ask s = sale_ask(d, false);
    REQUIRE(d.ask(s)->code == "00");
    REQUIRE(d.operate(acquirer::ChangeTerminal{"10000001", acquirer::ChangeTerminal::To::close_batch}, "s",
                      acquirer::Role::supervisor)
                .done);
    Ask wrong_batch = d.reversal_of(s);
    wrong_batch.batch = "000002";
    const auto first = d.ask(wrong_batch);
    CHECK(first->code == "25");
    CHECK(d.ask(wrong_batch)->rrn == first->rrn);
    CHECK(d.exceptions("reversal_near_match").size() == 1);
}

TEST_CASE("R37 a reversal of another amount is 64 each time afresh", "[R37]") {
    Desk d;
    const Ask s = sale_ask(d, false);
    const auto sale = d.ask(s);
    Ask r = d.reversal_of(s);
    r.amount = "000000009000";
    CHECK(d.ask(r)->code == "64");
    CHECK(d.ask(r)->code == "64");
    CHECK(d.state(sale->rrn) == "approved");
    // Looked at once, and counted there (a terminal that repeats 200 times is one thing to look at).
    const auto open = d.exceptions("reversal_other_amount");
    REQUIRE(open.size() == 1);
    CHECK(open.front().repeats == 1);
    CHECK(d.ask(d.reversal_of(s))->code == "00");
}

TEST_CASE("R38 what may not be reversed", "[R38]") {
    Desk d;
    d.issuer = [](const Sent& m) {
        return m.fields.get(Field::amount_transaction).substr(8) == "9951" ? declines("51") : Does{};
    };
    Ask declined = sale_ask(d, false);
    declined.amount = "000000009951";
    REQUIRE(d.ask(declined)->code == "51");
    CHECK(d.ask(d.reversal_of(declined))->code == "12");

    const Ask voided = sale_ask(d, false);
    const auto v = d.ask(voided);
    REQUIRE(d.ask(d.void_of(*v))->code == "00");
    CHECK(d.ask(d.reversal_of(voided))->code == "12");

    const Ask refunded = sale_ask(d, false);
    const auto s = d.ask(refunded);
    REQUIRE(d.ask(d.refund_of(*s, "000000000100"))->code == "00");
    CHECK(d.ask(d.reversal_of(refunded))->code == "12");

    const Ask over_night = sale_ask(d, false);
    REQUIRE(d.ask(over_night)->code == "00");
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin).done);
    CHECK(d.ask(d.reversal_of(over_night))->code == "00");  // a cut-over alone does not stop it

    const Ask settled = sale_ask(d, false);
    REQUIRE(d.ask(settled)->code == "00");
    REQUIRE(d.operate(acquirer::ChangeTerminal{"10000001", acquirer::ChangeTerminal::To::close_batch}, "s",
                      acquirer::Role::supervisor)
                .done);
    CHECK(d.ask(d.reversal_of(settled))->code == "12");
}

TEST_CASE("R38 a terminal's reversal beats a held refund", "[R38][R33]") {
    Desk d;
    Ask s = sale_ask(d, false);
    s.amount = "000002000000";
    const auto sale = d.ask(s);
    const auto held = d.ask(d.refund_of(*sale, "000001000001"));
    REQUIRE(held->code == "01");
    CHECK(d.ask(d.reversal_of(s))->code == "00");
    CHECK(d.state(held->rrn) == "cancelled");
    CHECK(d.state(sale->rrn) == "reversed");
}

TEST_CASE("R40 a reversal with a bad MAC does nothing, not even a tombstone", "[R40]") {
    struct Row {
        bool iso;
        const char* code;
    };
    for (const Row& row : {Row{false, "A0"}, Row{true, "63"}})
        for (const MacState mac : {MacState::wrong, MacState::missing}) {
            Desk d;
            const Ask s = sale_ask(d, row.iso);
            Ask forged = d.reversal_of(s);
            forged.mac = mac;
            CHECK(d.ask(forged)->code == row.code);
            CHECK(d.ask(s)->code == "00");
        }
}

TEST_CASE("R40 the HSM down says nothing about a reversal's MAC: no answer, and it is repeated",
          "[R40][R64]") {
    Desk d;
    const Ask s = sale_ask(d, false);
    REQUIRE(d.ask(s)->code == "00");
    Ask r = d.reversal_of(s);
    r.mac = MacState::hsm_down;
    CHECK(!d.ask(r));
    r.mac = MacState::verified;
    CHECK(d.ask(r)->code == "00");
}

TEST_CASE("ISO matching: DE90, then DE11, then DE37; a DE90 that names another is no match", "[R30][R35]") {
    Desk d;
    Ask s = sale_ask(d, true);
    const auto sale = d.ask(s);
    Ask by_trace = d.reversal_of(s);
    by_trace.original_trace.clear();
    by_trace.trace = s.trace;
    Ask other = d.reversal_of(s);
    other.original_time = "1121035959";
    CHECK(d.ask(other)->code == "00");  // R35 in the ISO profile
    CHECK(d.state(sale->rrn) == "approved");
    CHECK(d.exceptions("reversal_near_match").size() == 1);
    CHECK(d.ask(by_trace)->rrn == sale->rrn);
    CHECK(d.state(sale->rrn) == "reversed");

    s = sale_ask(d, true);
    const auto second = d.ask(s);
    Ask by_rrn = d.reversal_of(s);
    by_rrn.original_trace.clear();
    by_rrn.rrn = second->rrn;
    CHECK(d.ask(by_rrn)->rrn == second->rrn);
    CHECK(d.state(second->rrn) == "reversed");
}
