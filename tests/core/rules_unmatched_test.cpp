// R63: answers that answer nothing, and those that only say once more what was said.
#include <catch2/catch.hpp>

#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

namespace {

Does answers(const char* code) { return {Does::Kind::decline, code, MacState::verified, {}}; }

}  // namespace

TEST_CASE("R63 an answer that answers nothing is an exception with the nearest miss", "[R63]") {
    Desk d;
    const Answer s = d.sale();
    Sent stray = d.sent[0];
    stray.fields.set(Field::stan, "999999");
    d.reply(stray, {});
    d.offer(acquirer::TerminalLinkClosed{{99}});
    REQUIRE(d.exceptions("unmatched_reply").size() == 1);
    CHECK(d.exceptions("unmatched_reply")[0].text.find(s.rrn) != std::string::npos);
    // The issuer answers twice: noted, nothing else.
    d.reply(d.sent[0], {});
    d.offer(acquirer::TerminalLinkClosed{{99}});
    CHECK(d.exceptions("unmatched_reply").size() == 1);
}

TEST_CASE("R63 a refusal said once more, after the refund was sent again and paid, is nothing new",
          "[R63][R55][R74]") {
    Desk d;
    d.issuer = [](const Sent& m) { return m.mti() == "0220" ? answers("51") : Does{}; };
    const Answer sale = d.sale(card_a);
    const auto refund = d.ask(d.refund_of(sale, "000000006000", card_a));
    REQUIRE(refund);
    REQUIRE(d.state(refund->rrn) == "abnormal");
    const Sent first = d.last_sent("0220");
    d.issuer = [](const Sent&) { return Does{}; };
    REQUIRE(
        d.operate(acquirer::ResolveAbnormal{refund->rrn, acquirer::ResolveAbnormal::Way::retry, "", "asked"},
                  "maker1", acquirer::Role::operator_)
            .done);
    d.pass(6'000);
    REQUIRE(d.state(refund->rrn) == "approved");
    REQUIRE(d.last_sent("0220").fields.get(Field::stan) != first.fields.get(Field::stan));
    d.reply(first, answers("51"));
    d.offer(acquirer::TerminalLinkClosed{{99}});
    CHECK(d.exceptions("unmatched_reply").empty());
    CHECK(d.state(refund->rrn) == "approved");
    CHECK(d.remaining(sale.rrn) == 4'000);
    // The other word about it is one: both attempts were paid.
    d.reply(first, {});
    d.offer(acquirer::TerminalLinkClosed{{99}});
    CHECK(d.exceptions("paid_twice").size() == 1);
}

TEST_CASE("R63 what the successor of a sale's route says once more of its void is nothing new", "[R63][R3]") {
    Desk d;
    const Answer sale = d.sale(card_b);
    auto fresh = std::make_shared<acquirer::Configuration>(*d.configuration);
    std::vector<routing::Route> routes = fresh->routes.routes();
    for (routing::Route& route : routes)
        if (route.id == Desk::b) {
            route.retired = true;
            route.successor = Desk::a;
        }
    fresh->routes = routing::RouteTable::build(routes, {{"621234", "621299", {Desk::a}}}).value();
    d.offer(acquirer::ConfigReplaced{fresh});
    const auto undone = d.ask(d.void_of(sale, card_b));
    REQUIRE((undone && undone->code == "00"));
    const Sent left = d.last_sent("0420");
    REQUIRE(left.route == Desk::a);
    d.pass(2'000);
    REQUIRE(d.state(sale.rrn) == "voided");
    for (const char* code : {"00", "A0", "96"}) {
        d.reply(left, answers(code));
        d.offer(acquirer::TerminalLinkClosed{{99}});
        INFO(code);
        CHECK(d.exceptions().empty());
    }
    CHECK(d.state(sale.rrn) == "voided");
}
