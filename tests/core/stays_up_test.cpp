// What a peer can repeat at will has a bound: no record of the ledger grows until it cannot be read again,
// which would end the process at each start anew.
#include <catch2/catch.hpp>

#include "ledger/postings_bound.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

namespace {

constexpr int rounds = 40;  // of two postings each: more than a record holds
const Does silent{Does::Kind::silent, "", MacState::verified, {}};

}  // namespace

TEST_CASE("A sale that is voided and restored without end: 12 at last, and its record can be read",
          "[R3][R32]") {
    // Voids as 0200 on route b; on route a as 0420, which are cancelled as long as they have not left.
    for (const char* card : {card_a, card_b}) {
        Desk d;
        const Answer sale = d.sale(card);
        if (card == std::string(card_a)) d.link(Desk::a, false);
        int restored = 0;
        for (int round = 0; round < rounds; ++round) {
            const Ask v = d.void_of(sale, card);
            const auto answer = d.ask(v);
            REQUIRE(answer);
            if (answer->code == "12") break;
            REQUIRE(answer->code == "00");
            REQUIRE(d.ask(d.reversal_of(v))->code == "00");
            ++restored;
        }
        CHECK(restored > 20);
        CHECK(restored < rounds);
        CHECK(d.state(sale.rrn) == "approved");
        CHECK(d.record(sale.rrn).postings.size() <= ledger::postings_max);
        CHECK(d.ask(d.refund_of(sale, "000000010000", card))->code == "00");
        d.restart();
        CHECK(d.remaining(sale.rrn) == 0);
    }
}

TEST_CASE("An issuer's DE55 that no terminal's dialect can carry is left out of the answer", "[R1]") {
    for (const std::size_t size : {std::size_t{255}, std::size_t{256}}) {
        Desk d;
        d.issuer = [](const Sent&) { return silent; };
        Ask sale;
        sale.trace = d.next_trace();
        CHECK(!d.ask(sale));
        const Sent& out = d.sent.back();
        acquirer::IssuerReply reply;
        reply.mti = iso8583::Mti::of(210);
        reply.stan = *iso8583::Stan::parse(out.fields.get(Field::stan));
        reply.transmission_time = *iso8583::TransmissionTime::parse(out.fields.get(Field::transmission_time));
        reply.code = iso8583::ResponseCode::of("00");
        reply.icc_data = std::string(size, 'x');
        d.offer(acquirer::IssuerReplyArrived{out.route, out.link, reply, MacState::verified});
        REQUIRE(d.answers.size() == 1);
        CHECK(d.answers.front().code == "00");
        CHECK(d.answers.front().fields.get(Field::icc_data).size() == (size == 255 ? size : 0));
    }
}

TEST_CASE(
    "A refund that an issuer approves late without end: an exception at last, and its record can be read",
    "[R51a]") {
    Desk d;
    const Answer sale = d.sale();
    d.issuer = [](const Sent& m) {
        return m.mti() == "0200" ? silent : Does{Does::Kind::decline, "25", MacState::verified, {}};
    };
    CHECK(!d.ask(d.refund_of(sale, "000000008000")));
    const Sent out = d.sent.back();
    const std::string rrn(out.fields.get(Field::rrn));
    for (int round = 0; round < rounds; ++round) {
        d.pass(5'001);   // the time-out, or the new 0420's first answer
        d.pass(20'000);  // the quarantine and its 0421
        REQUIRE(d.state(rrn) == "reversed");
        d.reply(out, {});
        d.offer(acquirer::TerminalLinkClosed{{99}});
    }
    CHECK_FALSE(d.exceptions("late_approval_amount_used").empty());
    CHECK(d.record(rrn).postings.size() <= ledger::postings_max);
    d.restart();
    CHECK(d.remaining(sale.rrn) == 10'000);
}

TEST_CASE("a process that runs for ten years gives no RRN of then again", "[R20]") {
    desk::Desk d;
    const auto then = d.sale();
    // 2036-11-20 is the 325th day of a year that ends in 6 as well.
    constexpr std::int64_t days = 3'652, day_ms = 86'400'000;
    d.set_clock(desk::Desk::noon.plus_ms(days * day_ms));
    const auto now = d.sale();
    CHECK(now.rrn.substr(0, 4) == then.rrn.substr(0, 4));
    CHECK(now.rrn != then.rrn);
    CHECK(d.state(then.rrn) == "approved");
}
