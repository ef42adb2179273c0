// Business day and batches: 0500, the upload behind it, batch numbers, sign-on.
#include <catch2/catch.hpp>

#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

namespace {

std::string digits(std::int64_t v, std::size_t n) {
    const std::string s = std::to_string(v);
    return std::string(n - s.size(), '0') + s;
}
std::string half(std::int64_t debit, int debits, std::int64_t credit, int credits) {
    return digits(debit, 12) + digits(debits, 3) + digits(credit, 12) + digits(credits, 3) + "0";
}
std::string de48(std::int64_t debit, int debits, std::int64_t credit, int credits) {
    return half(debit, debits, credit, credits) + half(0, 0, 0, 0);
}
Ask settle(Desk& d, const std::string& totals, const std::string& batch = "000001") {
    Ask a;
    a.what = What::settlement;
    a.trace = d.next_trace();
    a.de48 = totals;
    a.batch = batch;
    return a;
}
std::string batch_of(const Answer& a) {
    return std::string(a.fields.get(Field::reserved_private_60).substr(2, 6));
}

/// Of a batch without anything in it.
iso8583::FieldValues iso_settlement(const std::string& stan, const std::string& time) {
    iso8583::FieldValues f(iso8583::Mti::of(500));
    f.set(Field::transmission_time, time);
    f.set(Field::stan, stan);
    f.set(Field::terminal, "20000001");
    f.set(Field::merchant, "898110157220002");
    for (const Field count : {Field::credits_number, Field::credits_reversal_number, Field::debits_number,
                              Field::debits_reversal_number})
        f.set(count, "0000000000");
    for (const Field sum : {Field::credits_amount, Field::credits_reversal_amount, Field::debits_amount,
                            Field::debits_reversal_amount})
        f.set(sum, "0000000000000000");
    f.set(Field::net_settlement_amount, "C0000000000000000");
    return f;
}
void settle_iso(Desk& d, const iso8583::FieldValues& f, acquirer::DecodeFault fault = {}) {
    acquirer::RequestArrived event;
    event.from.link = {1};
    event.from.profile = acquirer::Profile::iso87;
    event.mac = MacState::verified;
    event.request =
        *acquirer::parse_terminal_request(acquirer::Profile::iso87, f, fault, iso8583::Currency::of(156));
    d.offer(event);
}

}  // namespace

TEST_CASE("R5 settlement: a balanced batch closes, its answer is stored, the next batch opens", "[R5]") {
    Desk d;
    const Answer a = d.sale();
    const Answer b = d.sale();
    REQUIRE(d.ask(d.void_of(b))->code == "00");  // counts in both
    REQUIRE(d.ask(d.refund_of(a, "000000001000"))->code == "00");
    Ask reversed;
    reversed.trace = d.next_trace();
    REQUIRE(d.ask(reversed)->code == "00");
    REQUIRE(d.ask(d.reversal_of(reversed))->code == "00");  // counts in neither
    d.restart();                                            // totals are folded, not lost
    const Ask s = settle(d, de48(20000, 2, 11000, 2));
    const auto first = d.ask(s);
    CHECK(first->code == "00");
    CHECK(first->fields.get(Field::additional_data)[30] == '1');
    CHECK(batch_of(*first) == "000002");
    const auto again = d.ask(s);
    CHECK(again->rrn == first->rrn);
    CHECK(d.ask(settle(d, de48(20000, 2, 11000, 1)))->code == "95");

    // The closed batch: new 02xx 77, void 12, refund allowed.
    Ask late;
    late.trace = d.next_trace();
    CHECK(d.ask(late)->code == "77");
    Ask v = d.void_of(a);
    v.batch = "000002";
    CHECK(d.ask(v)->code == "12");
    Ask r = d.refund_of(a, "000000001000");
    r.batch = "000002";
    CHECK(d.ask(r)->code == "00");
}

TEST_CASE("R5 a PIN block that is refused after its batch was settled holds no key of the next batch",
          "[R5][R64]") {
    Desk d;
    d.hsm = [](const hsm::Request&) { return std::optional<hsm::Reply>(); };
    Ask s;
    s.pin = "12345678";
    CHECK(!d.ask(s));
    REQUIRE(d.ask(settle(d, de48(0, 0, 0, 0)))->code == "00");
    d.offer(acquirer::HsmAnswered{1, tl::unexpected(hsm::HsmFault::pin_block_content)});
    REQUIRE(d.answers.back().code == "77");
    CHECK(d.answers.back().rrn.empty());
    // The same trace in the batch that is open now is a new sale.
    s.batch = "000002";
    s.pin.clear();
    CHECK(d.ask(s)->code == "00");
}

TEST_CASE("R5 settlement: each batch that differs has an exception of its own", "[R5]") {
    // They were counted in one, with the last ten texts: whoever closed it closed all of them.
    Desk d;
    const auto settle_wrong = [&d](const char* terminal) {
        Ask s = settle(d, de48(10001, 1, 0, 0));
        s.terminal = terminal;
        return d.ask(s);
    };
    REQUIRE(settle_wrong("10000001")->code == "00");
    REQUIRE(settle_wrong("10000002")->code == "00");
    REQUIRE(settle_wrong("10000002")->code == "00");  // once more, before its upload
    const auto open = d.exceptions("settlement_differs");
    REQUIRE(open.size() == 2);
    CHECK(open[0].text.find("terminal 10000001 batch 000001") == 0);
    CHECK(open[1].text.find("terminal 10000002 batch 000001") == 0);
    CHECK(open[0].id != open[1].id);
    CHECK((open[0].repeats == 0 && open[1].repeats == 0));
}

TEST_CASE(
    "R5 settlement: unbalanced stays open for the upload, new transactions get 77, the end message closes",
    "[R5]") {
    Desk d;
    d.sale();
    const auto first = d.ask(settle(d, de48(10001, 1, 0, 0)));
    CHECK(first->code == "00");
    CHECK(first->fields.get(Field::additional_data)[30] == '2');
    CHECK(batch_of(*first) == "000001");
    CHECK(d.exceptions("settlement_differs").size() == 1);
    Ask s;
    s.trace = d.next_trace();
    CHECK(d.ask(s)->code == "77");
    Ask upload;
    upload.what = What::upload;
    upload.trace = d.next_trace();
    upload.de48 = "01";
    CHECK(d.ask(upload)->code == "00");
    upload.what = What::upload_end;
    upload.trace = d.next_trace();
    const auto end = d.ask(upload);
    CHECK(end->code == "00");
    CHECK(batch_of(*end) == "000002");
    CHECK(batch_of(*d.ask(upload)) == "000002");
    s.batch = "000002";
    CHECK(d.ask(s)->code == "00");
    CHECK(d.exceptions("settlement_differs").size() == 1);
}

TEST_CASE("R5 the 0500 of a batch that its upload closed comes once more: its totals are those that it named",
          "[R5]") {
    for (const bool restarted : {false, true}) {
        CAPTURE(restarted);
        Desk d;
        d.sale();
        const Ask before = settle(d, de48(10001, 1, 0, 0));
        REQUIRE(batch_of(*d.ask(before)) == "000001");
        const Ask named = settle(d, half(10002, 1, 0, 0) + half(7, 1, 0, 0));  // it counted once more
        REQUIRE(batch_of(*d.ask(named)) == "000001");
        if (restarted) d.restart();
        Ask end;
        end.what = What::upload_end;
        end.de48 = "01";
        end.trace = d.next_trace();
        const auto closed = d.ask(end);
        REQUIRE(batch_of(*closed) == "000002");
        if (restarted) d.restart();
        const auto again = d.ask(named);
        CHECK(again->code == "00");
        CHECK(again->rrn == closed->rrn);
        CHECK(batch_of(*again) == "000002");
        CHECK(again->fields.get(Field::additional_data)[30] == '2');
        CHECK(d.ask(before)->code == "95");
        CHECK(d.ask(settle(d, de48(10000, 1, 0, 0)))->code == "95");  // ours, which it never named
    }
}

TEST_CASE("R5 a batch that was closed by hand is settled by its lowest digits too", "[R5]") {
    Desk d;
    d.sale(card_b, "999999999999");
    d.sale(card_b, "000000000003");
    REQUIRE(d.operate(acquirer::ChangeTerminal{"10000001", acquirer::ChangeTerminal::To::close_batch}, "s",
                      acquirer::Role::supervisor)
                .done);
    const auto answer = d.ask(settle(d, de48(2, 2, 0, 0)));
    CHECK(answer->code == "00");
    CHECK(batch_of(*answer) == "000002");
    CHECK(d.ask(settle(d, de48(3, 2, 0, 0)))->code == "95");
}

TEST_CASE("R5 the foreign half of DE48 is compared as the domestic one is", "[R5]") {
    Desk d([](acquirer::Configuration& c) {
        std::vector<routing::Route> routes = c.routes.routes();
        for (routing::Route& route : routes)
            if (route.id == Desk::b) route.settlement_half = routing::SettlementHalf::foreign;
        c.routes = routing::RouteTable::build(
                       routes, {{"621234", "621299", {Desk::a}}, {"400000", "499999", {Desk::b}}})
                       .value();
    });
    d.sale(card_a, "000000000300");
    const Answer foreign = d.sale(card_b, "000000010000");
    REQUIRE(d.ask(d.refund_of(foreign, "000000001000"))->code == "00");
    const auto codes = [&](const std::string& totals) {
        const auto answer = d.ask(settle(d, totals));
        const std::string f48(answer->fields.get(Field::additional_data));
        return std::string{f48[30], f48[61]};
    };
    CHECK(codes(half(300, 1, 0, 0) + half(10'000, 1, 0, 0)) == "12");
    CHECK(codes(half(10'300, 2, 1'000, 1) + half(0, 0, 0, 0)) == "22");
    CHECK(d.exceptions("settlement_differs").at(0).text.find("foreign debit 1/100.00 credit 1/10.00") !=
          std::string::npos);
    const Ask right = settle(d, half(300, 1, 0, 0) + half(10'000, 1, 1'000, 1));
    const auto closed = d.ask(right);
    CHECK(closed->fields.get(Field::additional_data)[61] == '1');
    CHECK(batch_of(*closed) == "000002");
    CHECK(d.ask(right)->rrn == closed->rrn);
    CHECK(d.ask(settle(d, half(300, 1, 0, 0) + half(10'000, 1, 1'000, 2)))->code == "95");
}

TEST_CASE("R5 a sum of more than 12 digits balances by its lowest 12", "[R5]") {
    Desk d;
    d.sale(card_b, "999999999999");
    d.sale(card_b, "000000000003");
    const auto answer = d.ask(settle(d, de48(2, 2, 0, 0)));
    CHECK(answer->fields.get(Field::additional_data)[30] == '1');
    CHECK(batch_of(*answer) == "000002");
}

TEST_CASE("R5 a settlement waits for what is with the issuer", "[R5]") {
    Desk d;
    d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "", MacState::verified, {}}; };
    Ask s;
    s.trace = d.next_trace();
    CHECK(!d.ask(s));
    const Sent out = d.sent.back();
    const Ask settlement = settle(d, de48(10000, 1, 0, 0));
    CHECK(!d.ask(settlement));
    d.reply(out, {});
    d.offer(acquirer::TerminalLinkClosed{{99}});
    REQUIRE(d.answers.size() == 2);
    CHECK(d.answers[0].code == "00");
    CHECK(d.answers[1].fields.get(Field::additional_data)[30] == '1');
}

TEST_CASE("R5 a settlement waits for a sale whose connection is gone", "[R5]") {
    Desk d;
    d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "", MacState::verified, {}}; };
    Ask s;
    s.trace = d.next_trace();
    CHECK(!d.ask(s));
    const Sent out = d.sent.back();
    d.offer(acquirer::TerminalLinkClosed{{1}});
    Ask settlement = settle(d, de48(10000, 1, 0, 0));
    settlement.link = 2;
    CHECK(!d.ask(settlement));
    d.reply(out, {});
    d.offer(acquirer::TerminalLinkClosed{{99}});
    REQUIRE(d.answers.size() == 1);
    CHECK(d.answers[0].fields.get(Field::additional_data)[30] == '1');  // the sale is in the batch's totals
}

TEST_CASE("R5 a settlement goes on when the last of its own batch ends, whatever else is with issuers",
          "[R5]") {
    Desk d;
    d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "", MacState::verified, {}}; };
    std::vector<Sent> out;
    for (const char* terminal : {"10000001", "10000001", "10000002"}) {
        Ask s;
        s.terminal = terminal;
        s.trace = d.next_trace();
        CHECK(!d.ask(s));
        out.push_back(d.sent.back());
    }
    const Ask settlement = settle(d, de48(20000, 2, 0, 0));
    CHECK(!d.ask(settlement));
    d.reply(out[2], {});
    d.reply(out[0], {});
    d.offer(acquirer::TerminalLinkClosed{{99}});
    REQUIRE(d.answers.size() == 2);  // the two sales: one of the batch is still out
    d.reply(out[1], {});
    d.offer(acquirer::TerminalLinkClosed{{99}});
    REQUIRE(d.answers.size() == 4);
    CHECK(d.answers[3].fields.get(Field::additional_data)[30] == '1');
}

TEST_CASE("R5 settlement in the ISO profile: no upload, unbalanced closes with an exception", "[R5]") {
    for (const bool balanced : {true, false}) {
        Desk d;
        const Answer s = d.sale(card_b, "000000010000", true);
        iso8583::FieldValues f = iso_settlement(d.next_trace(), "1121050000");
        f.set(Field::debits_number, balanced ? "0000000001" : "0000000002");
        f.set(Field::debits_amount, "0000000000010000");
        f.set(Field::net_settlement_amount, "D0000000000010000");
        settle_iso(d, f);
        CHECK(d.answers.back().code == "00");
        CHECK(d.answers.back().fields.get(Field::settlement_code) == (balanced ? "1" : "2"));
        CHECK(d.exceptions("settlement_differs").size() == (balanced ? 0U : 1U));
        const std::string rrn = d.answers.back().rrn;
        settle_iso(d, f);
        CHECK(d.answers.back().rrn == rrn);
        CHECK(d.ask(d.void_of(s))->code == "12");
    }
}

TEST_CASE("R5 a reconciliation that leaves out a total is answered 30 and closes no batch", "[R5]") {
    for (const int absent : {74, 75, 76, 77, 86, 87, 88, 89, 97}) {
        CAPTURE(absent);
        Desk d;
        const Answer sale = d.sale(card_b, "000000010000", true);
        iso8583::FieldValues f = iso_settlement(d.next_trace(), "1121050000");
        f.set(Field::debits_number, "0000000001");
        f.set(Field::debits_amount, "0000000000010000");
        f.set(Field::net_settlement_amount, "D0000000000010000");
        f.erase(iso8583::field(absent));
        settle_iso(d, f);
        CHECK(d.answers.back().code == "30");
        CHECK_FALSE(d.answers.back().fields.has(Field::settlement_code));
        CHECK(d.exceptions("settlement_differs").empty());
        CHECK(d.ask(d.void_of(sale))->code == "00");
    }
}

TEST_CASE("R5 a wrong DE4 excuses a reconciliation from nothing", "[R5]") {
    Desk d;
    const Answer sale = d.sale(card_b, "000000010000", true);
    iso8583::FieldValues f = iso_settlement(d.next_trace(), "1121050000");
    f.erase(Field::net_settlement_amount);
    settle_iso(d, f, {"DE4: digits needed", true});
    CHECK(d.answers.back().code == "30");
    CHECK(d.exceptions("settlement_differs").empty());
    CHECK(d.ask(d.void_of(sale))->code == "00");
}

TEST_CASE("R5 a reconciliation whose net is not that of its sums is out of balance", "[R5]") {
    struct Row {
        const char* net;
        bool balanced;
    };
    for (const Row& row : {Row{"D0000000000009000", true}, Row{"C0000000000009000", false},
                           Row{"D0000000000009001", false}, Row{"D0000000000000000", false}}) {
        CAPTURE(row.net);
        Desk d;
        const Answer sale = d.sale(card_b, "000000010000", true);
        Ask refund = d.refund_of(sale, "000000001000");
        REQUIRE(d.ask(refund)->code == "00");
        iso8583::FieldValues f = iso_settlement(d.next_trace(), "1121050000");
        f.set(Field::debits_number, "0000000001");
        f.set(Field::debits_amount, "0000000000010000");
        f.set(Field::credits_number, "0000000001");
        f.set(Field::credits_amount, "0000000000001000");
        f.set(Field::net_settlement_amount, row.net);
        settle_iso(d, f);
        CHECK(d.answers.back().code == "00");
        CHECK(d.answers.back().fields.get(Field::settlement_code) == (row.balanced ? "1" : "2"));
        REQUIRE(d.exceptions("settlement_differs").size() == (row.balanced ? 0U : 1U));
        if (!row.balanced)
            CHECK(d.exceptions("settlement_differs").at(0).text.find("net " + std::string(row.net)) !=
                  std::string::npos);
        settle_iso(d, f);  // the stored answer
        CHECK(d.answers.back().fields.get(Field::settlement_code) == (row.balanced ? "1" : "2"));
        if (row.balanced) {
            f.set(Field::net_settlement_amount, "C0000000000000005");
            settle_iso(d, f);
            CHECK(d.answers.back().code == "95");
        }
    }
}

TEST_CASE("R5 the net of an empty batch has either sign", "[R5]") {
    for (const char* net : {"C0000000000000000", "D0000000000000000"}) {
        CAPTURE(net);
        Desk d;
        iso8583::FieldValues f = iso_settlement(d.next_trace(), "1121050000");
        f.set(Field::net_settlement_amount, net);
        settle_iso(d, f);
        CHECK(d.answers.back().fields.get(Field::settlement_code) == "1");
    }
}

TEST_CASE("R5 a settlement of the ISO profile that comes once more after the next one closes no batch",
          "[R5]") {
    Desk d;
    const auto settle = [&](const char* stan, const char* time) {
        settle_iso(d, iso_settlement(stan, time));
        return d.answers.back();
    };
    const Answer first = settle("000801", "1121050000");
    CHECK(first.code == "00");
    CHECK(settle("000802", "1121060000").code == "00");
    const Answer sale = d.sale(card_b, "000000010000", true);
    // Somebody overheard the first one.
    for (const bool restarted : {false, true}) {
        if (restarted) d.restart();
        CHECK(settle("000801", "1121050000").code == "77");
        CHECK(d.exceptions("settlement_differs").empty());
    }
    CHECK(settle("000802", "1121060000").code == "00");
    CHECK(d.ask(d.void_of(sale))->code == "00");
}

TEST_CASE(
    "R5 the 0500 of the ISO profile before a batch that was closed by hand closes none, and differs from "
    "none",
    "[R5]") {
    for (const bool with_a_sale : {false, true}) {
        CAPTURE(with_a_sale);
        Desk d;
        const auto settlement = iso_settlement("000801", "1121050000");
        settle_iso(d, settlement);
        REQUIRE(d.answers.back().code == "00");
        if (with_a_sale) d.sale(card_b, "000000010000", true);
        REQUIRE(d.operate(acquirer::ChangeTerminal{"20000001", acquirer::ChangeTerminal::To::close_batch},
                          "s", acquirer::Role::supervisor)
                    .done);
        const Answer sale = d.sale(card_b, "000000010000", true);
        settle_iso(d, settlement);
        CHECK(d.answers.back().code == "77");
        CHECK(d.exceptions("settlement_differs").empty());
        CHECK(d.ask(d.void_of(sale))->code == "00");
    }
}
