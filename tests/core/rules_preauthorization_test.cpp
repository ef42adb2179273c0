// Rules R90 to R95 at the core alone: what needs an issuer that says just this, or a clock that stands just
// there. The stories are in tests/flow.
#include <catch2/catch.hpp>

#include "switch/core/authorization_check.hpp"
#include "switch/core/pre_authorization.hpp"
#include "tests/core/desk.hpp"

using namespace acquirer;
using desk::Answer;
using desk::Ask;
using desk::Desk;
using desk::Does;
using desk::What;

namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 24 * hour_ms;

Answer authorize(Desk& d, const std::string& amount = "000000010000") {
    Ask ask;
    ask.what = What::authorization;
    ask.trace = d.next_trace();
    ask.amount = amount;
    const auto answer = d.ask(ask);
    REQUIRE(answer);
    REQUIRE(answer->code == "00");
    return *answer;
}

Ask of(Desk& d, What what, const Answer& authorization, const std::string& amount = "000000010000") {
    Ask ask;
    ask.what = what;
    ask.trace = d.next_trace();
    ask.amount = amount;
    ask.rrn = authorization.rrn;
    ask.authorization = authorization.authorization;
    ask.original_batch = "000001";
    ask.original_trace = "000001";
    ask.date = "1121";
    return ask;
}

/// Every authorization gets the same code.
std::function<Does(const desk::Sent&)> one_code() {
    return [](const desk::Sent&) {
        Does does;
        does.authorization = "SAME01";
        return does;
    };
}

}  // namespace

TEST_CASE("R92 two authorizations of one card and code: never a guess, but for DE37", "[R92]") {
    Desk d;
    d.issuer = one_code();
    const Answer first = authorize(d);
    const Answer second = authorize(d, "000000020000");
    Ask ask = of(d, What::completion, first, "000000005000");
    ask.rrn.clear();
    CHECK(d.ask(ask)->code == "25");
    Ask named = of(d, What::completion, second, "000000020000");
    CHECK(d.ask(named)->code == "00");
    CHECK(d.state(second.rrn) == "completed");
    CHECK(d.state(first.rrn) == "authorized");
}

TEST_CASE("R92 one that was reversed is no candidate any more", "[R92]") {
    Desk d;
    d.issuer = one_code();
    Ask first;
    first.what = What::authorization;
    first.trace = d.next_trace();
    REQUIRE(d.ask(first)->code == "00");
    REQUIRE(d.ask(d.reversal_of(first))->code == "00");
    const Answer second = authorize(d);
    Ask ask = of(d, What::completion, second);
    ask.rrn.clear();
    CHECK(d.ask(ask)->code == "00");
    CHECK(d.state(second.rrn) == "completed");
}

TEST_CASE("R92 the authorization code is compared always, also beside DE37", "[R92]") {
    Desk d;
    const Answer authorization = authorize(d);
    Ask ask = of(d, What::completion, authorization);
    ask.authorization = "ZZZZZZ";
    CHECK(d.ask(ask)->code == "25");
    Ask other_date = of(d, What::completion, authorization);
    other_date.date = "1120";
    CHECK(d.ask(other_date)->code == "25");
    Ask iso = of(d, What::completion, authorization);
    iso.iso = true;
    CHECK(d.ask(iso)->code == "25");  // another merchant's
    CHECK(d.state(authorization.rrn) == "authorized");
}

TEST_CASE("R92 the bound is rounded down and does not overflow", "[R92]") {
    struct Row {
        std::int64_t authorized;
        std::uint32_t percent;
        std::int64_t most;
    };
    for (const Row& row : {Row{10'000, 115, 11'500}, Row{999, 110, 1'098}, Row{1, 115, 1}, Row{7, 100, 7},
                           Row{999'999'999'999, 1'000, 9'999'999'999'990}}) {
        ledger::TransactionRecord authorization;
        authorization.amount = iso8583::Amount(row.authorized, iso8583::Currency::of(156));
        CHECK(completion_bound_minor(authorization, row.percent) == row.most);
    }
}

TEST_CASE("R92 R95 it can be completed until the last day ends, and lapses at that instant", "[R92][R95]") {
    // Noon in Shanghai: 30 days later the day ends after 30 days and 12 hours.
    Desk d;
    const Answer early = authorize(d);
    const Answer late = authorize(d);
    d.pass(30 * day_ms + 12 * hour_ms - 1);
    CHECK(d.state(late.rrn) == "authorized");
    CHECK(d.ask(of(d, What::completion, early))->code == "00");
    d.pass(1);
    CHECK(d.state(late.rrn) == "lapsed");
    CHECK(d.state(early.rrn) == "completed");
    CHECK(d.ask(of(d, What::completion, late))->code == "57");
    CHECK(d.ask(of(d, What::void_authorization, late))->code == "12");
    CHECK(d.count_sent("0420") == 0);
}

TEST_CASE("R95 a restart long after the end lets it lapse at once, and tells the issuer by route", "[R95]") {
    Desk d([](Configuration& c) {
        std::vector<routing::Route> routes(c.routes.routes().begin(), c.routes.routes().end());
        for (routing::Route& route : routes) {
            route.authorization_days = 1;
            route.reverse_lapsed = true;
        }
        c.routes = routing::RouteTable::build(
                       routes, {{"621234", "621299", {Desk::a}}, {"400000", "499999", {Desk::b}}})
                       .value();
    });
    const Answer authorization = authorize(d);
    d.restart();
    CHECK(d.state(authorization.rrn) == "authorized");
    d.set_clock(d.now().utc.plus_ms(5 * day_ms));
    d.restart();
    d.pass(1'000);
    CHECK(d.state(authorization.rrn) == "lapsed");
    CHECK(d.count_sent("0420") == 1);
    CHECK(d.last_sent("0420").fields.get(iso8583::Field::original_data).substr(0, 4) == "0100");
}

TEST_CASE("R90 an authorization's request, void and completion carry DE25 06 and name the 0100",
          "[R90][R91][R92]") {
    Desk d([](Configuration& c) {
        std::vector<routing::Route> routes(c.routes.routes().begin(), c.routes.routes().end());
        for (routing::Route& route : routes)
            route.authorization_void_mode = routing::AuthorizationVoidMode::online_0100;
        c.routes = routing::RouteTable::build(
                       routes, {{"621234", "621299", {Desk::a}}, {"400000", "499999", {Desk::b}}})
                       .value();
    });
    using iso8583::Field;
    const Answer authorization = authorize(d);
    const auto first = d.last_sent("0100").fields;
    CHECK(first.get(Field::processing_code) == "030000");
    CHECK(first.get(Field::pos_condition_code) == "06");
    const std::string numbers =
        std::string(first.get(Field::stan)) + std::string(first.get(Field::transmission_time));
    REQUIRE(d.ask(of(d, What::completion, authorization))->code == "00");
    const auto completion = d.last_sent("0200").fields;
    CHECK(completion.get(Field::processing_code) == "000000");
    CHECK(completion.get(Field::authorization_code) == authorization.authorization);
    CHECK(completion.get(Field::original_data).substr(0, 20) == "0100" + numbers);
    const Answer other = authorize(d);
    REQUIRE(d.ask(of(d, What::void_authorization, other))->code == "00");
    const auto voided = d.last_sent("0100").fields;
    CHECK(voided.get(Field::processing_code) == "020000");
    CHECK(voided.get(Field::original_data).substr(0, 4) == "0100");
}

TEST_CASE("R92 a suspended merchant authorizes nothing, and settles nothing anew", "[R92][R25]") {
    Desk d;
    const Answer authorization = authorize(d);
    ChangeTerminal suspend;
    suspend.terminal = "10000001";
    suspend.to = ChangeTerminal::To::suspend;
    REQUIRE(d.operate(suspend, "supervisor1", Role::supervisor).done);
    CHECK(d.ask(of(d, What::completion, authorization))->code == "97");
    CHECK(d.state(authorization.rrn) == "authorized");
}

TEST_CASE("R94 reversed while its 0220 is under way, and that one is refused: the 0420 names the 0100",
          "[R94][R30]") {
    Desk d([](Configuration& c) {
        std::vector<routing::Route> routes(c.routes.routes().begin(), c.routes.routes().end());
        for (routing::Route& route : routes) route.sale_mode = routing::SaleMode::authorization_0100;
        c.routes = routing::RouteTable::build(
                       routes, {{"621234", "621299", {Desk::a}}, {"400000", "499999", {Desk::b}}})
                       .value();
    });
    d.issuer = [](const desk::Sent& sent) {
        Does does;
        if (sent.mti() == "0220") does.kind = Does::Kind::silent;
        if (sent.mti() == "0221") {
            does.kind = Does::Kind::decline;
            does.code = "54";
        }
        return does;
    };
    Ask sale;
    sale.trace = d.next_trace();
    const auto sold = d.ask(sale);
    REQUIRE(sold->code == "00");
    CHECK(d.ask(d.refund_of(*sold, "000000001000"))->code == "09");
    CHECK(d.ask(d.reversal_of(sale))->code == "00");
    CHECK(d.state(sold->rrn) == "reversing");
    CHECK(d.count_sent("0420") == 0);
    d.pass(20'000);
    REQUIRE(d.count_sent("0420") == 1);
    CHECK(d.last_sent("0420").fields.get(iso8583::Field::original_data).substr(0, 4) == "0100");
    CHECK(d.state(sold->rrn) == "reversed");
    CHECK(d.exceptions().empty());
}

TEST_CASE("I14 what stands twice, or above its bound, is found in a ledger at rest", "[I14]") {
    ledger::TransactionRecord authorization;
    authorization.rrn = iso8583::Rrn::parse("632512000001").value();
    authorization.kind = ledger::TransactionKind::authorization;
    authorization.state = ledger::State::completed;
    authorization.amount = iso8583::Amount(10'000, iso8583::Currency::of(156));
    ledger::TransactionRecord completion;
    completion.rrn = iso8583::Rrn::parse("632512000002").value();
    completion.kind = ledger::TransactionKind::sale;
    completion.state = ledger::State::approved;
    completion.amount = iso8583::Amount(11'500, iso8583::Currency::of(156));
    completion.original = authorization.rrn;
    completion.completion_percent = 115;
    authorization.completed_by = completion.rrn;
    CHECK(authorization_fault(completion, &authorization).empty());
    CHECK_FALSE(authorization_fault(completion, nullptr).empty());
    completion.amount = iso8583::Amount(11'501, iso8583::Currency::of(156));
    CHECK_FALSE(authorization_fault(completion, &authorization).empty());
    completion.amount = iso8583::Amount(11'500, iso8583::Currency::of(156));
    authorization.completed_by = iso8583::Rrn::parse("632512000003").value();
    CHECK_FALSE(authorization_fault(completion, &authorization).empty());
    authorization.completed_by = completion.rrn;
    authorization.state = ledger::State::authorized;
    CHECK_FALSE(authorization_fault(completion, &authorization).empty());
    completion.state = ledger::State::reversed;
    CHECK(authorization_fault(completion, &authorization).empty());
}
