// Retries and doubles: R20, R20a, R20b, R21, R22, and the keys behind them.
#include <catch2/catch.hpp>

#include "switch/core/duplicate_guard.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

namespace {
const Does silent{Does::Kind::silent, "", MacState::verified, {}};
}

TEST_CASE("R20 a retry gets the stored answer: same RRN, same authorization code, nothing sent again",
          "[R20]") {
    for (const bool iso : {false, true})
        for (const char* card : {card_a, card_b}) {
            Desk d;
            Ask s;
            s.iso = iso;
            s.card = card;
            const auto first = d.ask(s);
            d.pass(3000);
            const auto again = d.ask(s);
            REQUIRE(again);
            CHECK(again->code == "00");
            CHECK(again->rrn == first->rrn);
            CHECK(again->authorization == first->authorization);
            CHECK(again->fields.get(Field::local_time) == first->fields.get(Field::local_time));
            CHECK(d.sent.size() == 1);
            const Ask r = d.refund_of(*first, "000000001000", card);
            const auto refund = d.ask(r);
            const std::size_t sent = d.sent.size();
            CHECK(d.ask(r)->rrn == refund->rrn);
            CHECK(d.sent.size() == sent);
            d.restart();
            CHECK(d.ask(r)->rrn == refund->rrn);
            CHECK(d.ask(s)->authorization == first->authorization);
        }
}

TEST_CASE("R20 a repeat (x..1) is matched over a day whatever its DE7", "[R20]") {
    Desk d;
    Ask s;
    s.iso = true;
    const auto first = d.ask(s);
    s.repeat = true;
    s.time = "1121040500";
    CHECK(d.ask(s)->rrn == first->rrn);
    CHECK(d.sent.size() == 1);
}

TEST_CASE("R20 a repeat (x..1) finds its original though the switch's clock was set in between", "[R20]") {
    constexpr std::int64_t hours_44_ms = 44LL * 3'600 * 1'000;
    for (const char* repeated_at : {"1121040500", "1122035959", "1120040001"}) {
        Desk d;
        Ask s;
        s.iso = true;
        const auto first = d.ask(s);
        REQUIRE(first->code == "00");
        Ask refund = d.refund_of(*first, "000000001000");
        const auto refunded = d.ask(refund);
        d.set_clock(d.now().utc.plus_ms(hours_44_ms));
        s.repeat = refund.repeat = true;
        s.time = refund.time = repeated_at;
        CHECK(d.ask(s)->rrn == first->rrn);
        CHECK(d.ask(refund)->rrn == refunded->rrn);
        s.amount = "000000009999";  // not what was asked for then
        CHECK(d.ask(s)->code == "94");
    }
    Desk d;  // a day later by both clocks: another one
    Ask s;
    s.iso = true;
    const auto first = d.ask(s);
    d.set_clock(d.now().utc.plus_ms(hours_44_ms));
    s.repeat = true;
    s.time = "1123000000";
    const auto other = d.ask(s);
    CHECK(other->code == "00");
    CHECK(other->rrn != first->rrn);
}

TEST_CASE("R20 a repeat (x..1) with the DE7 of an older one is that one's, whatever has its trace since",
          "[R20]") {
    Desk d;
    Ask s;
    s.iso = true;
    s.local_time = "120000";
    const auto first = d.ask(s);
    Ask newer = s;
    newer.time = "1121040500";
    newer.local_time = "120500";
    const auto second = d.ask(newer);
    REQUIRE(second->rrn != first->rrn);
    s.repeat = true;
    CHECK(d.ask(s)->rrn == first->rrn);
    newer.repeat = true;
    CHECK(d.ask(newer)->rrn == second->rrn);
    newer.time = "1121040700";  // nobody's: the newest one's
    CHECK(d.ask(newer)->rrn == second->rrn);
}

TEST_CASE("R20 the same trace and content under a new DE7 without a repeat MTI", "[R20][R21]") {
    Desk d;
    Ask s;
    s.iso = true;
    s.local_time = "120000";
    const auto first = d.ask(s);
    Ask lost = s;
    lost.time = "1121040500";
    CHECK(d.ask(lost)->code == "94");
    lost.local_time = "120500";  // its own clock says: another sale
    CHECK(d.ask(lost)->code == "00");
    Ask r = d.refund_of(*first, "000000001000");
    REQUIRE(d.ask(r)->code == "00");
    r.time = "1121040600";
    CHECK(d.ask(r)->code == "94");
}

TEST_CASE("R35 however many reversals a terminal sends of a trace, its transaction stays in the slot",
          "[R20][R35]") {
    Desk d;
    Ask s;
    s.iso = true;
    const auto first = d.ask(s);
    REQUIRE(first->code == "00");
    for (std::size_t i = 0; i < ledger::TraceSlot::entries_max + 1; ++i) {
        Ask other = d.reversal_of(s);
        other.original_time = std::to_string(1'121'050'000 + i);
        other.trace = d.next_trace();
        d.ask(other);
    }
    REQUIRE(d.state(first->rrn) == "approved");
    CHECK(d.ask(s)->rrn == first->rrn);
    CHECK(d.ask(d.reversal_of(s))->code == "00");
    CHECK(d.state(first->rrn) == "reversed");
}

TEST_CASE("R20a a retry of what was in doubt is never approved", "[R20a]") {
    struct Row {
        bool iso;
        const char* code;
    };
    for (const Row& row : {Row{false, "98"}, Row{true, "68"}}) {
        Desk d;
        d.issuer = [](const Sent& m) { return m.mti() == "0200" ? silent : Does{}; };
        Ask s;
        s.iso = row.iso;
        CHECK(!d.ask(s));
        d.pass(5001);
        REQUIRE(!d.answers.empty());
        CHECK(d.answers.back().code == row.code);
        const std::string rrn(d.last_sent("0200").fields.get(Field::rrn));
        CHECK(d.state(rrn) == "reversed");
        CHECK(d.ask(s)->code == row.code);
        CHECK(d.count_sent("0200") == 1);
    }
}

TEST_CASE("R20a a retry of an approved one that was reversed since is 12", "[R20a]") {
    for (const bool iso : {false, true}) {
        Desk d;
        Ask s;
        s.iso = iso;
        REQUIRE(d.ask(s)->code == "00");
        REQUIRE(d.ask(d.reversal_of(s))->code == "00");
        CHECK(d.ask(s)->code == "12");
    }
}

TEST_CASE("R20b the same amount of the same sale again is held, and again is the same case", "[R20b]") {
    Desk d([](acquirer::Configuration& c) {
        for (auto& [id, m] : c.merchants) m.refund.repeat_refund_seconds = 300;
    });
    const Answer s = d.sale();
    REQUIRE(d.ask(d.refund_of(s, "000000001000"))->code == "00");
    CHECK(d.ask(d.refund_of(s, "000000002000"))->code == "00");  // another amount is another refund
    const auto held = d.ask(d.refund_of(s, "000000001000"));
    CHECK(held->code == "01");
    const auto third = d.ask(d.refund_of(s, "000000001000"));
    CHECK(third->code == "01");
    CHECK(third->text == held->text);
    CHECK(d.remaining(s.rrn) == 6000);
    d.pass(301'000);
    CHECK(d.ask(d.refund_of(s, "000000002000"))->code == "00");
}

TEST_CASE("R20b so many keys share a held case, and the next one is told so", "[R20b]") {
    Desk d([](acquirer::Configuration& c) {
        for (auto& [id, m] : c.merchants) m.refund.repeat_refund_seconds = 300;
    });
    for (const bool iso : {false, true}) {
        Ask sold;
        sold.iso = iso;
        const Answer s = *d.ask(sold);
        REQUIRE(d.ask(d.refund_of(s, "000000001000"))->code == "00");
        const Ask first = d.refund_of(s, "000000001000");
        const Answer held = *d.ask(first);
        REQUIRE(held.code == "01");
        Ask last;
        for (std::size_t i = 0; i < ledger::joined_keys_max; ++i) {
            last = d.refund_of(s, "000000001000");
            CHECK(d.ask(last)->text == held.text);
        }
        const Ask beyond = d.refund_of(s, "000000001000");
        CHECK(d.ask(beyond)->code == "65");
        CHECK(d.ask(beyond)->code == "65");
        CHECK(d.ask(last)->code == "01");
        REQUIRE(d.record(held.rrn).shared.joined.size() == ledger::joined_keys_max);
        // What was refused never asked for the case: its reversal takes nothing back.
        CHECK(d.ask(d.reversal_of(beyond))->code == "12");
        CHECK(d.ask(d.reversal_of(first))->code == "00");
        CHECK(d.record(held.rrn).state == ledger::State::held);
    }
}

TEST_CASE("R20b a shared case that is with its issuer outlives the reversal of one key, settled or not",
          "[R20b][R34]") {
    for (const bool settled : {false, true}) {
        CAPTURE(settled);
        Desk d([](acquirer::Configuration& c) {
            for (auto& [id, m] : c.merchants) m.refund.repeat_refund_seconds = 300;
        });
        Ask sold;
        sold.iso = true;
        const Answer s = *d.ask(sold);
        REQUIRE(d.ask(d.refund_of(s, "000000001000"))->code == "00");
        const Ask first = d.refund_of(s, "000000001000"), second = d.refund_of(s, "000000001000");
        const Answer held = *d.ask(first);
        REQUIRE(d.ask(second)->text == held.text);
        if (settled) {
            Ask settlement;
            settlement.iso = true;
            settlement.what = What::settlement;
            settlement.trace = d.next_trace();
            settlement.de48 = "000000010000001" + std::string(47, '0');
            REQUIRE(d.ask(settlement));
        }
        d.issuer = [](const Sent&) { return silent; };
        REQUIRE(d.operate(acquirer::ApproveRefund{held.rrn}, "checker1", acquirer::Role::supervisor).done);
        REQUIRE(d.state(held.rrn) == "sent");
        CHECK(d.ask(d.reversal_of(second))->code == "00");
        CHECK(d.state(held.rrn) == "sent");
        // The last one: nobody asks for it any more.
        CHECK(d.ask(d.reversal_of(first))->code == "00");
        CHECK(d.state(held.rrn) == "reverse_on_answer");
    }
}

TEST_CASE("R21 the same key with other content", "[R21]") {
    Desk d;
    Ask s;
    REQUIRE(d.ask(s)->code == "00");
    s.amount = "000000010001";
    const auto conflict = d.ask(s);
    CHECK(conflict->code == "94");
    CHECK(conflict->rrn.empty());
    s.amount = "000000010000";
    CHECK(d.ask(s)->code == "00");
}

TEST_CASE("R22 the same key while in progress: one answer, once to every connection that asked", "[R22]") {
    Desk d;
    d.issuer = [](const Sent&) { return silent; };
    Ask s;
    CHECK(!d.ask(s));
    s.link = 2;
    CHECK(!d.ask(s));
    const Sent out = d.sent.back();
    d.reply(out, {});
    d.pass(1);
    d.offer(acquirer::TerminalLinkClosed{{99}});
    REQUIRE(d.answers.size() == 2);
    CHECK(d.answers[0].code == "00");
    CHECK(d.answers[1].rrn == d.answers[0].rrn);
    CHECK(d.answers[0].to.link.value + d.answers[1].to.link.value == 3);
    CHECK(d.count_sent("0200") == 1);
}

TEST_CASE("R22 a retry joins while the PIN is with the HSM", "[R22][R64]") {
    Desk d;
    std::vector<hsm::Request> asked;
    d.hsm = [&](const hsm::Request& r) -> std::optional<hsm::Reply> {
        asked.push_back(r);
        return std::nullopt;
    };
    Ask s;
    s.pin = "12345678";
    CHECK(!d.ask(s));
    s.link = 2;
    CHECK(!d.ask(s));
    CHECK(asked.size() == 1);
    CHECK(d.sent.empty());
    hsm::PinTranslated translated;
    translated.pin_block = {1, 2, 3, 4, 5, 6, 7, 8};
    d.offer(acquirer::HsmAnswered{1, hsm::Reply(translated)});
    CHECK(d.answers.size() == 2);
    CHECK(d.sent.size() == 1);
    CHECK(d.sent[0].fields.get(Field::pin_data).size() == 8);
}

TEST_CASE("a digest leaves a reversal's amount out and tells parts apart", "[R21]") {
    const auto request = [](const char* amount, const char* rrn, bool reversal) {
        acquirer::TerminalRequest r;
        r.kind = reversal ? acquirer::RequestKind::reversal : acquirer::RequestKind::refund;
        r.fields.set(Field::amount_transaction, amount);
        r.fields.set(Field::rrn, rrn);
        return acquirer::content_digest(r, {});
    };
    CHECK(request("000000000100", "632500000001", false) != request("000000000200", "632500000001", false));
    CHECK(request("000000000100", "632500000001", true) == request("000000000200", "632500000001", true));
    CHECK(request("000000000100", "632500000001", false) != request("000000000100", "632500000002", false));
}

TEST_CASE("a digest finds the chip's counter and cryptogram behind whatever tags stand before them",
          "[R21]") {
    const auto digest = [](const std::string& before, char counter, char cryptogram) {
        acquirer::TerminalRequest r;
        r.kind = acquirer::RequestKind::sale;
        r.fields.set(Field::amount_transaction, "000000000100");
        const std::string chip = before + std::string("\x9F\x36\x02\x00", 4) + counter +
                                 std::string("\x9F\x26\x08", 3) + std::string(8, cryptogram);
        r.fields.set(Field::icc_data, chip);
        return acquirer::content_digest(r, {});
    };
    const auto [name, before] = GENERATE(table<std::string, std::string>({
        {"nothing", ""},
        {"a tag of one byte", std::string("\x82\x02\x7C\x00", 4)},
        {"a tag of three bytes", std::string("\xDF\x81\x01\x01\x05", 5)},
        {"a length of two bytes", std::string("\x71\x81\x80", 3) + std::string(0x80, 'x')},
        {"a length of three bytes", std::string("\x71\x82\x01\x00", 4) + std::string(0x100, 'x')},
        {"a short length in two bytes", std::string("\x5F\x34\x81\x01\x01", 5)},
        {"padding", std::string(1, '\0')},
    }));
    INFO("before them: " << name);
    CHECK(digest(before, '\x01', 'a') != digest(before, '\x02', 'a'));
    CHECK(digest(before, '\x01', 'a') != digest(before, '\x01', 'b'));
    CHECK(digest(before, '\x01', 'a') == digest("", '\x01', 'a'));
}
