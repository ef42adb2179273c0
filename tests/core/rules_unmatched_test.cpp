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

TEST_CASE("R74 an older attempt's late approval is the payment that people had settled as done",
          "[R74][R70][R51]") {
    // Told as paid twice, and after the newer attempt's refusal as abnormal, with postings of neither.
    Desk d;
    d.issuer = [](const Sent& m) { return m.mti() == "0220" ? answers("51") : Does{}; };
    const Answer sale = d.sale(card_a);
    const auto refund = d.ask(d.refund_of(sale, "000000006000", card_a));
    REQUIRE(refund);
    REQUIRE(d.state(refund->rrn) == "abnormal");
    const Sent older = d.last_sent("0220");
    d.issuer = [](const Sent& m) { return m.mti() == "0220" ? answers("87") : Does{}; };
    using acquirer::Role;
    REQUIRE(
        d.operate(acquirer::ResolveAbnormal{refund->rrn, acquirer::ResolveAbnormal::Way::retry, "", "asked"},
                  "maker1", Role::operator_)
            .done);
    d.pass(6'000);
    REQUIRE(d.state(refund->rrn) == "parked");
    const Sent newer = d.last_sent("0220");
    REQUIRE(newer.fields.get(Field::stan) != older.fields.get(Field::stan));
    const auto proposed = d.operate(acquirer::SettleTransaction{refund->rrn, "done", "in the issuer's file"},
                                    "maker1", Role::operator_);
    REQUIRE(proposed.done);
    REQUIRE(d.operate(acquirer::DecideProposal{proposed.values.front().second,
                                               acquirer::DecideProposal::To::approve, "seen"},
                      "checker1", Role::supervisor)
                .done);
    REQUIRE(d.state(refund->rrn) == "approved");
    const auto reply = [&d](const Sent& to, const Does& does) {
        d.reply(to, does);
        d.offer(acquirer::TerminalLinkClosed{{99}});
    };
    reply(older, {});
    CHECK(d.exceptions("paid_twice").empty());
    CHECK(d.state(refund->rrn) == "approved");
    reply(newer, answers("51"));
    CHECK(d.exceptions("settled_but_refused").empty());
    CHECK(d.state(refund->rrn) == "approved");
    CHECK(d.remaining(sale.rrn) == 4'000);
    // Both attempts paid is another thing.
    reply(newer, {});
    CHECK(d.exceptions("paid_twice").size() == 1);
    CHECK(d.state(refund->rrn) == "approved");
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

TEST_CASE("R63 a storm of answers that answer nothing is one exception of its route", "[R63]") {
    Desk d;
    const Answer first = d.sale(), second = d.sale();
    for (int i = 0; i < 500; ++i) {
        Sent stray = d.sent[static_cast<std::size_t>(i % 2)];
        stray.fields.set(Field::stan, std::to_string(900'000 + i));
        if (i % 5 == 0) stray.fields.set(Field::rrn, "ZZZZZZZZZZZZ");
        d.reply(stray, {});
    }
    d.offer(acquirer::TerminalLinkClosed{{99}});
    const auto open = d.exceptions("unmatched_reply");
    REQUIRE(open.size() == 1);
    CHECK(open[0].subject == "issuer-b");
    CHECK(open[0].repeats == 499);
    REQUIRE(open[0].last_texts.size() == ledger::ExceptionRecord::last_texts_max);
    // What each of them named is in its sentence.
    CHECK(open[0].last_texts.back().find(second.rrn) != std::string::npos);
    CHECK(open[0].last_texts[5].find("its DE37 is unknown") != std::string::npos);
    CHECK(d.state(first.rrn) == "approved");
}

TEST_CASE("R63 an answer that nobody awaits, with a bad MAC, opens nothing", "[R63][R61]") {
    Desk d;
    const Answer s = d.sale();
    for (const acquirer::MacState mac :
         {acquirer::MacState::wrong, acquirer::MacState::missing, acquirer::MacState::hsm_down}) {
        Sent stray = d.sent[0];
        stray.fields.set(Field::stan, "999999");
        Does does;
        does.mac = mac;
        d.reply(stray, does);
        d.offer(acquirer::TerminalLinkClosed{{99}});
    }
    CHECK(d.exceptions().empty());
    CHECK(d.status().counters.at("unmatched_bad_macs") == 3);
    CHECK(d.state(s.rrn) == "approved");
}

TEST_CASE("Two people close all exceptions of a kind, and what is not at its end stays open",
          "[R63][ways_out]") {
    using acquirer::ChangeException;
    using acquirer::Role;
    Desk d;
    const auto all_of = [&](const std::string& kind, const std::string& user) {
        return d.operate(ChangeException{kind, ChangeException::To::resolve_all, "looked at"}, user,
                         Role::supervisor);
    };
    CHECK(all_of("unmatched_reply", "checker1").text == "no exception of kind unmatched_reply is open");
    d.sale();
    Sent stray = d.sent[0];
    stray.fields.set(Field::stan, "999999");
    d.reply(stray, {});
    d.issuer = [](const Sent& m) { return m.mti() == "0220" ? answers("51") : Does{}; };
    const Answer sale = d.sale(card_a);
    for (const char* amount : {"000000001000", "000000002000"})
        REQUIRE(d.state(d.ask(d.refund_of(sale, amount, card_a))->rrn) == "abnormal");
    REQUIRE(d.exceptions("refund_abnormal").size() == 2);
    CHECK(d.operate(ChangeException{"", ChangeException::To::resolve, "both"}, "checker1", Role::supervisor)
              .text == "exception: the id of one is needed, or --all-of KIND, and not both");
    CHECK_FALSE(all_of("recon_too_late", "checker1").done);
    CHECK_FALSE(d.operate(ChangeException{"unmatched_reply", ChangeException::To::resolve_all, ""},
                          "checker1", Role::supervisor)
                    .done);
    const auto decide = [&](const acquirer::OperatorAnswer& proposed, const std::string& user) {
        REQUIRE(proposed.done);
        return d.operate(
            acquirer::DecideProposal{proposed.values[0].second, acquirer::DecideProposal::To::approve, ""},
            user, Role::supervisor);
    };
    const auto stray_ones = all_of("unmatched_reply", "checker1");
    CHECK_FALSE(decide(stray_ones, "checker1").done);  // two people
    CHECK(d.exceptions("unmatched_reply")[0].resolution.empty());
    CHECK(decide(stray_ones, "checker2").text == "1 exceptions of kind unmatched_reply are resolved");
    CHECK(d.exceptions("unmatched_reply")[0].resolution == "looked at");
    CHECK(d.exceptions("unmatched_reply")[0].resolved_by == "checker1, checker2");
    CHECK(decide(all_of("refund_abnormal", "checker1"), "checker2").text ==
          "0 exceptions of kind refund_abnormal are resolved; 2 stay open, since their transactions are not "
          "at their end");
    for (const auto& x : d.exceptions("refund_abnormal")) CHECK(x.resolution.empty());
}
