// Totals of a day that was worked at the desk: however they are grouped, they add up to the same.
#include <catch2/catch.hpp>

#include "tests/views/totals_of_desk.hpp"

using namespace desk;
using namespace totals_of_desk;

namespace {

void work_a_day(Desk& d) {
    const Answer a = d.sale(card_a, "000000010000");
    const Answer b = d.sale(card_b, "000000020000");
    d.sale(card_b, "000000030000", true);
    const Answer voided = d.sale(card_b, "000000000700");
    REQUIRE(d.ask(d.void_of(voided, card_b, "000000000700"))->code == "00");
    Ask reversed;
    reversed.trace = d.next_trace();
    reversed.amount = "000000000900";
    REQUIRE(d.ask(reversed)->code == "00");
    REQUIRE(d.ask(d.reversal_of(reversed))->code == "00");
    REQUIRE(d.ask(d.refund_of(a, "000000001000", card_a))->code == "00");
    REQUIRE(d.ask(d.refund_of(b, "000000002000"))->code == "00");
    d.issuer = [](const Sent& m) {
        const bool refund = m.mti() == "0200" && m.fields.get(iso8583::Field::processing_code) == "200000";
        return refund ? Does{Does::Kind::decline, "05", MacState::verified, {}} : Does{};
    };
    REQUIRE(d.ask(d.refund_of(b, "000000003000"))->code == "05");
    d.issuer = [](const Sent&) { return Does{}; };
}

}  // namespace

TEST_CASE("totals: all ways of counting agree, voids and reversals are rows of their own") {
    Desk d;
    work_a_day(d);
    const Kinds kinds = agreed(d, first_day);
    CHECK(kinds == Kinds{{"sale", {5, 61'600}},
                         {"void", {1, 700}},
                         {"reversal", {1, 900}},
                         {"refund", {3, 6'000}},
                         {"refund_taken_back", {1, 3'000}}});
}

TEST_CASE("totals: of a day that was closed, and of one that runs ahead of the local date") {
    Desk d;
    work_a_day(d);
    const Kinds before = agreed(d, first_day);
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin).done);
    CHECK(agreed(d, first_day) == before);
    d.sale(card_a, "000000000500");
    CHECK(agreed(d, first_day.next()) == Kinds{{"sale", {1, 500}}});
    CHECK(agreed(d, first_day) == before);
    d.restart();
    CHECK(agreed(d, first_day) == before);
    d.pass(std::int64_t{72} * 3600 * 1000);  // and of one that is behind
    d.sale(card_b, "000000000300");
    CHECK(agreed(d, first_day.next()) == Kinds{{"sale", {2, 800}}});
}

TEST_CASE("totals: a void that is reversed gives its row back") {
    Desk d;
    const Answer sale = d.sale(card_b);
    const Ask v = d.void_of(sale);
    REQUIRE(d.ask(v)->code == "00");
    REQUIRE(d.ask(d.reversal_of(v))->code == "00");
    const Kinds kinds = agreed(d, first_day);
    CHECK(owed(kinds) == 10'000);
    CHECK(kinds.at("sale") == Sum{1, 10'000});
    CHECK(kinds.size() == 3);
}

TEST_CASE("views: a partial refund is explained as a part of the sale, a whole one as the whole") {
    for (const char* card : {card_a, card_b}) {  // by advice, and online
        Desk d;
        const Answer sale = d.sale(card);
        const auto explained = [&](const std::string& rrn) {
            const auto snapshot = d.store().snapshot();
            const auto status = d.status();
            const auto view = acquirer::view_explain({*snapshot, status, *d.configuration, d.now()}, rrn);
            REQUIRE(view.has_value());
            std::string rules;
            for (const View& step : *view->find("steps")->items()) rules += *step.find("rule")->text() + " ";
            return rules;
        };
        const auto part = d.ask(d.refund_of(sale, "000000001000", card));
        CHECK(explained(part->rrn).rfind("R10 ", 0) == 0);
        CHECK(explained(part->rrn).find("R8 ") == std::string::npos);
        const Answer other = d.sale(card);
        const auto whole = d.ask(d.refund_of(other, "000000010000", card));
        CHECK(explained(whole->rrn).rfind("R8 ", 0) == 0);
    }
}

TEST_CASE(
    "views: status warns of a business day that is behind, but not of one that waits for its schedule") {
    const auto warning = [](Desk& d) {
        const auto snapshot = d.store().snapshot();
        const auto status = d.status();
        const acquirer::ViewContext context{*snapshot, status, *d.configuration, d.now()};
        const auto view = acquirer::view_status(context);
        REQUIRE(view.has_value());
        const View* found = view->find("day_warning");
        return found != nullptr ? *found->text() : std::string();
    };
    constexpr std::int64_t hour_ms = 3'600'000;
    Desk by_hand;
    CHECK(warning(by_hand) == "");
    by_hand.pass(13 * hour_ms);  // it was noon
    CHECK(warning(by_hand) ==
          "the business day 2026-11-21 is behind the local date 2026-11-22: refundctl day cutover closes it");
    REQUIRE(by_hand.operate(acquirer::CutOverDay{}, "admin1", acquirer::Role::admin).done);
    CHECK(warning(by_hand) == "");
    Desk scheduled([](acquirer::Configuration& c) { c.cutover_at_minute = 2 * 60; });
    scheduled.pass(13 * hour_ms);
    CHECK(warning(scheduled) == "");
    CHECK(scheduled.status().business_date == first_day);
    scheduled.pass(hour_ms);
    CHECK(scheduled.status().business_date == first_day.next());
    CHECK(warning(scheduled) == "");
}
