// Failures: R50–R64 under their numbers.
#include <catch2/catch.hpp>

#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

namespace {

const Does silent{Does::Kind::silent, "", MacState::verified, {}};
Does answers(const char* code) { return {Does::Kind::decline, code, MacState::verified, {}}; }
std::function<Does(const Sent&)> only_requests_are_silent() {
    return [](const Sent& m) { return m.mti() == "0200" ? silent : Does{}; };
}

}  // namespace

TEST_CASE(
    "R50 the time-out runs from when the request leaves: a slow disk takes nothing of the issuer's time",
    "[R50]") {
    Desk d;
    d.slow_disk(true);
    Ask sale;
    CHECK(!d.ask(sale));
    CHECK(d.sent.empty());
    d.pass(20'000);  // four time-outs of the issuer
    CHECK(d.sent.empty());
    CHECK(d.answers.empty());
    d.issuer = [](const Sent&) { return silent; };
    d.slow_disk(false);
    REQUIRE(d.count_sent("0200") == 1);
    d.pass(4'999);
    CHECK(d.answers.empty());
    d.reply(d.last_sent("0200"), Does{});
    d.pass(0);
    d.slow_disk(false);
    REQUIRE(d.answers.size() == 1);
    CHECK(d.answers[0].code == "00");
    SECTION("and a silent one is noticed") {
        static_cast<void>(d.ask(sale));  // a retry gets its stored answer
        Ask other;
        other.trace = "000009";
        CHECK(!d.ask(other));
        d.pass(5'000);
        CHECK(d.answers.back().code == "98");
    }
}

TEST_CASE("R50 an issuer silent on a sale, void or online refund: in doubt, reversed until final", "[R50]") {
    for (const bool iso : {false, true}) {
        const char* code = iso ? "68" : "98";
        Desk d;
        const Answer sale = d.sale(card_b, "000000010000", iso);
        d.issuer = [](const Sent&) { return silent; };
        CHECK(!d.ask(d.refund_of(sale, "000000004000")));
        d.pass(5001);
        CHECK(d.answers.back().code == code);
        CHECK(d.answers.back().rrn.size() == 12);
        CHECK(d.count_sent("0420") == 1);
        CHECK(d.remaining(sale.rrn) == 6000);  // counts while in doubt
        CHECK(d.ask(d.refund_of(sale, "000000000100"))->code == "09");
        d.pass(30'000);
        CHECK(d.count_sent("0421") >= 1);
        // Every attempt carries the same numbers.
        const Sent& first = d.last_sent("0420");
        const Sent& repeat = d.last_sent("0421");
        for (Field f : {Field::transmission_time, Field::stan, Field::rrn, Field::original_data})
            CHECK(first.fields.get(f) == repeat.fields.get(f));
        d.issuer = [](const Sent&) { return Does{}; };
        d.pass(60'000);
        CHECK(d.state(std::string(first.fields.get(Field::rrn))) == "reversed");
        CHECK(d.remaining(sale.rrn) == 10000);
    }
}

TEST_CASE("R50 a silent void: its sale stands again when the void is reversed", "[R50]") {
    Desk d;
    const Answer s = d.sale();
    d.issuer = only_requests_are_silent();
    CHECK(!d.ask(d.void_of(s)));
    CHECK(d.state(s.rrn) == "voiding");
    d.pass(5001);
    CHECK(d.answers.back().code == "98");
    CHECK(d.state(s.rrn) == "approved");
    CHECK(d.record(s.rrn).postings.size() == 1);
}

TEST_CASE("R50 an unknown or unlisted code counts as silence", "[R50]") {
    for (const char* code : {"09", "68", "96", "98", "Z9"}) {
        Desk d;
        d.issuer = [&](const Sent& m) { return m.mti() == "0200" ? answers(code) : Does{}; };
        const auto s = d.ask({});
        REQUIRE(s);
        CHECK(s->code == "98");
        CHECK(d.state(s->rrn) == "reversed");
        CHECK(d.exceptions("unlisted_code").size() == (std::string(code) == "Z9" ? 1U : 0U));
    }
}

TEST_CASE("R51 a late approval while reversing or after it changes nothing; after 00 it is an alarm",
          "[R51]") {
    Desk d;
    d.issuer = only_requests_are_silent();
    CHECK(!d.ask({}));
    const Sent out = d.sent.back();
    d.pass(5001);
    const std::string rrn(out.fields.get(Field::rrn));
    CHECK(d.state(rrn) == "reversed");
    d.reply(out, {});
    d.offer(acquirer::TerminalLinkClosed{{99}});
    CHECK(d.state(rrn) == "reversed");
    CHECK(d.count_sent("0420") == 1);
    REQUIRE(d.exceptions("late_approval").size() == 1);
    CHECK(d.exceptions("late_approval")[0].alarm);
}

TEST_CASE(
    "R51a an issuer that does not know the original: quarantine, 0421, and a new 0420 for a late approval",
    "[R51a]") {
    for (const bool used_meanwhile : {false, true}) {
        Desk d;
        const Answer sale = d.sale();
        d.issuer = [](const Sent& m) { return m.mti() == "0200" ? silent : answers("25"); };
        CHECK(!d.ask(d.refund_of(sale, "000000008000")));
        const Sent out = d.sent.back();
        const std::string rrn(out.fields.get(Field::rrn));
        d.pass(5001);
        CHECK(d.state(rrn) == "reversing");
        CHECK(d.remaining(sale.rrn) == 2000);  // nothing released yet
        d.pass(4000);
        CHECK(d.count_sent("0421") == 0);
        d.pass(1500);
        CHECK(d.count_sent("0421") == 1);
        CHECK(d.state(rrn) == "reversed");
        CHECK(d.remaining(sale.rrn) == 10000);

        d.issuer = [](const Sent&) { return Does{}; };
        if (used_meanwhile) REQUIRE(d.ask(d.refund_of(sale, "000000010000"))->code == "00");
        d.reply(out, {});
        d.offer(acquirer::TerminalLinkClosed{{99}});
        CHECK(d.count_sent("0420") == 2);
        CHECK(d.state(rrn) == "reversed");
        CHECK(d.remaining(sale.rrn) == (used_meanwhile ? 0 : 10000));
        CHECK(d.exceptions("late_approval_amount_used").size() == (used_meanwhile ? 1U : 0U));
    }
}

TEST_CASE("R51a approved late once more while the new 0420 is in its quarantine: recorded, no third 0420",
          "[R51a][R51]") {
    Desk d;
    const Answer sale = d.sale();
    d.issuer = [](const Sent& m) { return m.mti() == "0200" ? silent : answers("25"); };
    CHECK(!d.ask(d.refund_of(sale, "000000008000")));
    const Sent out = d.sent.back();
    const std::string rrn(out.fields.get(Field::rrn));
    d.pass(11'000);
    REQUIRE(d.state(rrn) == "reversed");
    d.issuer = [](const Sent& m) { return m.mti() == "0200" ? Does{} : answers("25"); };
    REQUIRE(d.ask(d.refund_of(sale, "000000010000"))->code == "00");
    for (int late = 0; late < 2; ++late) {
        d.reply(out, {});
        d.offer(acquirer::TerminalLinkClosed{{99}});
        CHECK(d.count_sent("0420") == 2);
    }
    // The issuer has said that it has it, so that its second "not found" is no end.
    d.pass(20'000);
    CHECK(d.count_sent("0420") == 2);
    CHECK(d.exceptions("reversal_stuck").size() == 1);
    CHECK(d.state(rrn) == "reversed");
    CHECK(d.remaining(sale.rrn) == 0);
}

TEST_CASE("R52 link down before sending: 91 and never sent; a refund by advice is accepted and queued",
          "[R52]") {
    Desk d;
    const Answer a = d.sale(card_a);
    const Answer b = d.sale(card_b);
    d.link(Desk::a, false);
    d.link(Desk::b, false);
    const std::size_t sent = d.sent.size();
    Ask s;
    s.trace = d.next_trace();
    CHECK(d.ask(s)->code == "91");
    CHECK(d.ask(d.refund_of(b, "000000000100"))->code == "91");
    CHECK(d.remaining(b.rrn) == 10000);
    CHECK(d.ask(d.refund_of(a, "000000000100", card_a))->code == "00");
    CHECK(d.remaining(a.rrn) == 9900);
    CHECK(d.sent.size() == sent);
    d.link(Desk::a, true);
    CHECK(d.count_sent("0220") == 1);
}

TEST_CASE("R53 link lost after sending", "[R53]") {
    Desk d;
    d.issuer = only_requests_are_silent();
    CHECK(!d.ask({}));
    d.link(Desk::b, false);
    REQUIRE(!d.answers.empty());
    CHECK(d.answers.back().code == "98");
    const std::string rrn(d.sent[0].fields.get(Field::rrn));
    CHECK(d.state(rrn) == "reversing");
    d.link(Desk::b, true);
    CHECK(d.state(rrn) == "reversed");
}

TEST_CASE("R54 an issuer silent on a refund advice: repeated as 0221 until final, order kept inside the sale",
          "[R54]") {
    Desk d;
    const Answer s = d.sale(card_a);
    d.issuer = [](const Sent&) { return silent; };
    const auto first = d.ask(d.refund_of(s, "000000001000", card_a));
    const auto second = d.ask(d.refund_of(s, "000000002000", card_a));
    CHECK(first->code == "00");
    CHECK(second->code == "00");
    CHECK(d.count_sent("0220") == 1);  // the second waits for the first
    d.pass(20'000);
    CHECK(d.count_sent("0220") == 1);
    CHECK(d.count_sent("0221") >= 1);
    CHECK(d.state(first->rrn) == "advice_pending");
    d.issuer = [](const Sent&) { return Does{}; };
    d.pass(60'000);
    CHECK(d.state(first->rrn) == "approved");
    CHECK(d.state(second->rrn) == "approved");
    CHECK(d.count_sent("0220") == 2);
}

TEST_CASE("R55 a refund advice refused finally is abnormal, counts, and is somebody's work", "[R55]") {
    for (const char* code : {"12", "14", "25", "40", "41", "54", "62"}) {
        Desk d;
        const Answer s = d.sale(card_a);
        d.issuer = [&](const Sent&) { return answers(code); };
        const auto r = d.ask(d.refund_of(s, "000000001000", card_a));
        CHECK(r->code == "00");
        CHECK(d.state(r->rrn) == "abnormal");
        CHECK(d.remaining(s.rrn) == 9000);
        CHECK(d.exceptions("refund_abnormal").size() == 1);
        CHECK(d.record(r->rrn).postings.back().credit == ledger::Account::refund_suspense);
        // It lets later refunds of its chain pass.
        d.issuer = [](const Sent&) { return Does{}; };
        const auto next = d.ask(d.refund_of(s, "000000002000", card_a));
        CHECK(d.state(next->rrn) == "approved");
    }
}

TEST_CASE("R54 codes that say later are repeated; one that says nothing parks the advice", "[R54][R60]") {
    Desk d;
    const Answer s = d.sale(card_a);
    d.issuer = [](const Sent&) { return answers("96"); };
    const auto r = d.ask(d.refund_of(s, "000000001000", card_a));
    CHECK(d.state(r->rrn) == "advice_pending");
    d.issuer = [](const Sent& m) { return m.mti() == "0221" ? answers("94") : Does{}; };
    d.pass(10'000);
    CHECK(d.state(r->rrn) == "parked");
    CHECK(d.exceptions("advice_parked").size() == 1);
    CHECK(d.remaining(s.rrn) == 9000);
}

TEST_CASE("R56 answer lost: the terminal retries or reverses", "[R56]") {
    Desk d;
    Ask s;
    const auto lost = d.ask(s);
    CHECK(d.ask(s)->rrn == lost->rrn);
    CHECK(d.ask(d.reversal_of(s))->code == "00");
}

TEST_CASE("R57 R58 a crash after the intent: in doubt, 0420; retry 98, reversal 00 without a second 0420",
          "[R57][R58]") {
    for (const bool iso : {false, true}) {
        Desk d;
        d.issuer = only_requests_are_silent();
        Ask s;
        s.iso = iso;
        CHECK(!d.ask(s));
        const std::string rrn(d.sent[0].fields.get(Field::rrn));
        d.restart();
        CHECK(d.state(rrn) == "reversed");
        CHECK(d.count_sent("0420") == 1);
        CHECK(d.ask(s)->code == (iso ? "68" : "98"));
        CHECK(d.ask(d.reversal_of(s))->code == "00");
        CHECK(d.count_sent("0420") == 1);
        // R58: the issuer's approval comes after the restart.
        d.reply(d.sent[0], {});
        d.offer(acquirer::TerminalLinkClosed{{99}});
        CHECK(d.state(rrn) == "reversed");
    }
}

TEST_CASE("R57 an online refund and a void after a crash", "[R57]") {
    Desk d;
    const Answer s = d.sale();
    const Answer other = d.sale();
    d.issuer = only_requests_are_silent();
    CHECK(!d.ask(d.refund_of(s, "000000004000")));
    CHECK(!d.ask(d.void_of(other)));
    d.restart();
    CHECK(d.remaining(s.rrn) == 10000);
    CHECK(d.state(other.rrn) == "approved");
    CHECK(d.count_sent("0420") == 2);
}

TEST_CASE(
    "R57a a refund advice is never in doubt: after a crash, a bad MAC or a wrong amount it is repeated as "
    "0221",
    "[R57a]") {
    SECTION("crash") {
        Desk d;
        const Answer s = d.sale(card_a);
        d.issuer = [](const Sent&) { return silent; };
        const auto r = d.ask(d.refund_of(s, "000000001000", card_a));
        d.issuer = [](const Sent&) { return Does{}; };
        d.restart();
        CHECK(d.count_sent("0220") == 1);
        CHECK(d.count_sent("0221") == 1);  // the first after a restart is already x..1
        CHECK(d.state(r->rrn) == "approved");
    }
    SECTION("answer not to be trusted") {
        for (const bool bad_mac : {true, false}) {
            Desk d;
            const Answer s = d.sale(card_a);
            Does does;
            if (bad_mac)
                does.mac = MacState::wrong;
            else
                does.other_amount = 1;
            d.issuer = [&](const Sent& m) { return m.mti() == "0220" ? does : Does{}; };
            const auto r = d.ask(d.refund_of(s, "000000001000", card_a));
            CHECK(d.state(r->rrn) == "advice_pending");
            d.pass(10'000);
            CHECK(d.state(r->rrn) == "approved");
            CHECK(d.count_sent("0420") == 0);
        }
    }
}

TEST_CASE("R59 a crash after the commit: the stored answer", "[R59]") {
    Desk d;
    Ask s;
    const auto before = d.ask(s);
    d.restart();
    const auto after = d.ask(s);
    CHECK(after->code == "00");
    CHECK(after->authorization == before->authorization);
    CHECK(d.count_sent("0420") == 0);
}

TEST_CASE("R61 the issuer's MAC is bad, or its approval names another amount", "[R61]") {
    for (const bool bad_mac : {true, false}) {
        Desk d;
        Does does;
        if (bad_mac)
            does.mac = MacState::wrong;
        else
            does.other_amount = 1;
        d.issuer = [&](const Sent& m) { return m.mti() == "0200" ? does : Does{}; };
        Ask s;
        const auto answer = d.ask(s);
        CHECK(answer->code == "96");
        CHECK(answer->rrn.size() == 12);  // recorded, with DE37
        CHECK(d.state(answer->rrn) == "reversed");
        CHECK(d.ask(s)->code == "96");  // R20a: its 96 again
        bool alarm = false;
        for (const auto& n : d.notes) alarm = alarm || n.severity == acquirer::Severity::alarm;
        CHECK(alarm);
    }
}

TEST_CASE("R62 disk nearly full: new requests are refused, answers and reversals go on", "[R62]") {
    Desk d;
    Ask s;
    s.trace = d.next_trace();
    const auto sale = d.ask(s);
    d.accept_new_work(false);
    CHECK(d.status().refuses_new_work == "disk nearly full");
    Ask fresh;
    fresh.trace = d.next_trace();
    const auto refused = d.ask(fresh);
    CHECK(refused->code == "96");
    CHECK(refused->rrn.empty());
    CHECK(d.ask(d.refund_of(*sale, "000000000100"))->code == "96");
    CHECK(d.ask(s)->rrn == sale->rrn);
    CHECK(d.ask(d.reversal_of(s))->code == "00");
    d.accept_new_work(true);
    CHECK(d.status().refuses_new_work.empty());
    CHECK(d.ask(fresh)->code == "00");
}

TEST_CASE("R64 the HSM: before sending 96 and never sent; a refused PIN block is 99", "[R64]") {
    Desk d;
    Ask s;
    s.pin = "12345678";
    SECTION("silent") {
        CHECK(!d.ask(s));
        d.pass(2001);
        CHECK(d.answers.back().code == "96");
        CHECK(d.answers.back().rrn.empty());
        CHECK(d.sent.empty());
        // It occupied nothing: the retry is a new try.
        hsm::PinTranslated translated;
        translated.pin_block = iso8583::Bytes(8, 1);
        d.hsm = [&](const hsm::Request&) { return std::optional<hsm::Reply>(translated); };
        CHECK(d.ask(s)->code == "00");
    }
    SECTION("refuses the block") {
        d.hsm = [](const hsm::Request&) {
            return std::optional<hsm::Reply>(tl::unexpected(hsm::HsmFault::pin_block_content));
        };
        const auto answer = d.ask(s);
        CHECK(answer->code == "99");
        CHECK(answer->rrn.size() == 12);
        CHECK(d.sent.empty());
    }
    SECTION("faults of the block, and those that are ours") {
        using hsm::HsmFault;
        for (const HsmFault fault :
             {HsmFault::pin_block_content, HsmFault::pin_length, HsmFault::account_number,
              HsmFault::pin_block_format, HsmFault::fraud_detected}) {
            Desk of_the_block;
            of_the_block.hsm = [&](const hsm::Request&) { return hsm::Reply(tl::unexpected(fault)); };
            INFO(hsm::name(fault));
            CHECK(of_the_block.ask(s)->code == "99");
        }
        for (const HsmFault fault :
             {HsmFault::source_key_parity, HsmFault::destination_key_parity, HsmFault::lmk, HsmFault::storage,
              HsmFault::not_authorised, HsmFault::key_use, HsmFault::key_usage, HsmFault::command_disabled,
              HsmFault::key_block_authentication, HsmFault::internal, HsmFault::unavailable}) {
            Desk ours;
            ours.hsm = [&](const hsm::Request&) { return hsm::Reply(tl::unexpected(fault)); };
            INFO(hsm::name(fault));
            CHECK(ours.ask(s)->code == "96");
            CHECK(ours.sent.empty());
        }
    }
    SECTION("cannot verify an issuer's answer") {
        Desk e;
        e.issuer = [](const Sent& m) {
            Does does;
            if (m.mti() == "0200") does.mac = MacState::hsm_down;
            return does;
        };
        const auto answer = e.ask({});
        CHECK(answer->code == "98");
        CHECK(e.state(answer->rrn) == "reversed");
    }
    SECTION("cannot verify a request's MAC") {
        s.pin.clear();
        s.mac = MacState::hsm_down;
        CHECK(d.ask(s)->code == "96");
        s.mac = MacState::verified;
        CHECK(d.ask(s)->code == "00");
    }
}

TEST_CASE("R63 an answer whose DE41 is another terminal's answers nothing", "[R63]") {
    Desk d;
    d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "00", MacState::verified, {}, ""}; };
    Ask s;
    s.trace = d.next_trace();
    CHECK_FALSE(d.ask(s));
    const Sent asked = d.last_sent("0200");
    Does does;
    does.terminal = "10000002";
    d.reply(asked, does);
    d.pass(0);
    d.offer(acquirer::StoreHealthChanged{});  // hands on what waits
    CHECK(d.answers.empty());
    CHECK(d.exceptions("unmatched_reply").size() == 1);
    does.terminal = "10000001";
    d.reply(asked, does);
    d.offer(acquirer::StoreHealthChanged{});
    REQUIRE(d.answers.size() == 1);
    CHECK(d.answers[0].code == "00");
}
