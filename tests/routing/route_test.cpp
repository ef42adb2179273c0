#include <catch2/catch.hpp>
#include <set>

#include "routing/route_table.hpp"

using iso8583::Pan;
using iso8583::ResponseCode;
using namespace routing;

namespace {

Route route(std::uint16_t id, const char* route_name) {
    Route r;
    r.id = RouteId{id};
    r.name = route_name;
    r.link_group = route_name;
    return r;
}

Route retired(std::uint16_t id, const char* route_name, std::uint16_t successor) {
    Route r = route(id, route_name);
    r.retired = true;
    if (successor != 0) r.successor = RouteId{successor};
    return r;
}

const auto all_up = [](RouteId) { return RouteHealth::up; };

}  // namespace

TEST_CASE("DE39 of a request: four lists, and none of them", "[R26]") {
    const Route r = route(1, "a");
    for (const char* code : {"00", "11", "A2", "A4", "A5", "A6"})
        CHECK(classify_request(r, ResponseCode::of(code)) == IssuerVerdict::approved);
    for (const char* code : {"09", "68", "96", "98"})
        CHECK(classify_request(r, ResponseCode::of(code)) == IssuerVerdict::unknown);
    for (const char* code : {"05", "12", "14", "25", "41", "51", "54", "55", "61", "75", "91", "94", "A0"})
        CHECK(classify_request(r, ResponseCode::of(code)) == IssuerVerdict::declined);
    CHECK(classify_request(r, ResponseCode::of("10")) == IssuerVerdict::partly_approved);
    for (const char* code : {"79", "Q1", "ZZ", "08", "16"})
        CHECK(classify_request(r, ResponseCode::of(code)) == IssuerVerdict::unlisted);
}

TEST_CASE("no approval of a published table stands under declined, wholly or in part", "[R26]") {
    const routing::ResponseCodeLists lists;
    CHECK_FALSE(lists.declined.common_with(routing::published_approvals()).has_value());
    for (const char* code :
         {"00", "08", "10", "11", "16", "32", "85", "87", "A2", "A4", "A5", "A6", "Y1", "Y3"}) {
        Route r = route(1, "a");
        r.codes.declined = *ResponseCodeSet::parse({"05", code});
        REQUIRE(routing::check_codes(r.codes).has_value());
        CHECK(routing::check_codes(r.codes)->list == "declined");
    }
}

TEST_CASE("DE39 of a refund advice") {
    const Route r = route(1, "a");
    struct Row {
        const char* code;
        AdviceVerdict first, repeated;
    };
    for (const Row& row : {Row{"00", AdviceVerdict::approved, AdviceVerdict::approved},
                           {"12", AdviceVerdict::abnormal, AdviceVerdict::abnormal},
                           {"14", AdviceVerdict::abnormal, AdviceVerdict::abnormal},
                           {"25", AdviceVerdict::abnormal, AdviceVerdict::abnormal},
                           {"40", AdviceVerdict::abnormal, AdviceVerdict::abnormal},
                           {"41", AdviceVerdict::abnormal, AdviceVerdict::abnormal},
                           {"54", AdviceVerdict::abnormal, AdviceVerdict::abnormal},
                           {"62", AdviceVerdict::abnormal, AdviceVerdict::abnormal},
                           {"94", AdviceVerdict::abnormal, AdviceVerdict::parked},
                           {"09", AdviceVerdict::retry, AdviceVerdict::retry},
                           {"68", AdviceVerdict::retry, AdviceVerdict::retry},
                           {"90", AdviceVerdict::retry, AdviceVerdict::retry},
                           {"91", AdviceVerdict::retry, AdviceVerdict::retry},
                           {"92", AdviceVerdict::retry, AdviceVerdict::retry},
                           {"96", AdviceVerdict::retry, AdviceVerdict::retry},
                           {"98", AdviceVerdict::retry, AdviceVerdict::retry},
                           {"11", AdviceVerdict::parked, AdviceVerdict::parked},
                           {"ZZ", AdviceVerdict::parked, AdviceVerdict::parked}}) {
        CAPTURE(row.code);
        CHECK(classify_refund_advice(r, ResponseCode::of(row.code), AdviceAttempt::first) == row.first);
        CHECK(classify_refund_advice(r, ResponseCode::of(row.code), AdviceAttempt::repeat) == row.repeated);
    }
}

TEST_CASE("DE39 of a reversal: an approved original and one in doubt are judged apart") {
    const Route r = route(1, "a");
    struct Row {
        const char* code;
        ReversalVerdict approved, in_doubt;
    };
    for (const Row& row : {Row{"00", ReversalVerdict::done, ReversalVerdict::done},
                           {"79", ReversalVerdict::done, ReversalVerdict::done},
                           {"12", ReversalVerdict::stuck, ReversalVerdict::parked},
                           {"25", ReversalVerdict::stuck, ReversalVerdict::not_found},
                           {"40", ReversalVerdict::stuck, ReversalVerdict::parked},
                           {"76", ReversalVerdict::stuck, ReversalVerdict::not_found},
                           {"94", ReversalVerdict::stuck, ReversalVerdict::parked},
                           {"96", ReversalVerdict::retry, ReversalVerdict::retry},
                           {"91", ReversalVerdict::retry, ReversalVerdict::retry},
                           {"05", ReversalVerdict::parked, ReversalVerdict::parked},
                           {"ZZ", ReversalVerdict::parked, ReversalVerdict::parked}}) {
        CAPTURE(row.code);
        CHECK(classify_reversal(r, ResponseCode::of(row.code), ReversedOriginal::approved) == row.approved);
        CHECK(classify_reversal(r, ResponseCode::of(row.code), ReversedOriginal::in_doubt) == row.in_doubt);
    }
}

TEST_CASE("DE39 lists come from configuration, per route") {
    Route r = route(1, "a");
    r.codes.declined = *ResponseCodeSet::parse({"Q1"});
    r.codes.reversal_done = *ResponseCodeSet::parse({"00", "25"});
    r.codes.reversal_stuck = *ResponseCodeSet::parse({"12"});
    r.codes.reversal_not_found = *ResponseCodeSet::parse({"76"});
    CHECK_FALSE(check_route(r).has_value());
    CHECK(classify_request(r, ResponseCode::of("Q1")) == IssuerVerdict::declined);
    CHECK(classify_request(r, ResponseCode::of("05")) == IssuerVerdict::unlisted);
    CHECK(classify_reversal(r, ResponseCode::of("25"), ReversedOriginal::in_doubt) == ReversalVerdict::done);

    CHECK(ResponseCodeSet::parse({"00", "0"}).error().what ==
          "entry 2: response code: 2 digits or capital letters are needed");
    CHECK(ResponseCodeSet::parse({"05", "00", "05"}).error().what == "response code 05 is listed twice");
}

TEST_CASE("A route that cannot be right is refused with its name") {
    struct Row {
        void (*spoil)(Route&);
        const char* what;
    };
    for (const Row& row :
         {Row{[](Route& r) { r.id = {}; }, "route a: id 0 is no route"},
          {[](Route& r) { r.name.clear(); }, "route 1: a name is needed"},
          {[](Route& r) { r.link_group.clear(); }, "route a: a link group is needed"},
          {[](Route& r) { r.reply_timeout_ms = 60'000; },
           "route a: reply_timeout_ms is 60000, between 100 and 59000 is allowed"},
          {[](Route& r) { r.in_flight_max = 0; },
           "route a: in_flight_max is 0, between 1 and 65536 is allowed"},
          {[](Route& r) { r.successor = RouteId{2}; }, "route a: only a retired route has a successor"},
          {[](Route& r) { r.codes.approved = {"11"}; }, "route a: approved: 00 has to be in it"},
          {[](Route& r) { r.codes.unknown = {"51"}; },
           "route a: declined: response code 51 stands in unknown and in declined"},
          {[](Route& r) {
               r.codes.partly_approved = {"10", "96"};
           },
           "route a: unknown: response code 96 stands in partly_approved and in unknown"},
          {[](Route& r) {
               r.codes.declined = {"05", "10"};
           },
           "route a: declined: response code 10 approves, wholly or in part: whoever takes it for a refusal "
           "keeps money"},
          {[](Route& r) {
               r.codes.reversal_done = {"00", "25"};
           },
           "route a: reversal_stuck: response code 25 stands in reversal_done and in reversal_stuck"}}) {
        Route r = route(1, "a");
        row.spoil(r);
        CHECK(check_route(r).value_or("nothing wrong") == row.what);
    }
}

TEST_CASE("A sale chooses by card and health") {
    const auto table = *RouteTable::build(
        {route(2, "b"), route(1, "a"), retired(3, "old", 1)},
        {{"400000", "499999", {RouteId{2}, RouteId{1}}}, {"621234", "621299", {RouteId{3}}}});
    const Pan visa = *Pan::parse("4111111111111111");
    const Pan union_pay = *Pan::parse("6212345678900000003");
    CHECK((*table.choose(visa, all_up))->name == "b");
    CHECK((*table.choose(union_pay, all_up))->name == "a");  // the successor of the retired one
    const auto b_down = [](RouteId id) { return id == RouteId{2} ? RouteHealth::down : RouteHealth::up; };
    CHECK((*table.choose(visa, b_down))->name == "a");
    const auto draining = [](RouteId) { return RouteHealth::draining; };
    CHECK(table.choose(visa, draining).error() == RouteTable::NoRoute::down);
    CHECK(table.choose(*Pan::parse("5500000000000004"), all_up).error() == RouteTable::NoRoute::unknown_iin);
}

TEST_CASE("A refund takes the sale's route, a named successor, or none") {
    const auto table = *RouteTable::build(
        {route(1, "a"), retired(2, "old", 1), retired(3, "older", 2), retired(4, "orphan", 0)}, {});
    CHECK(table.for_original(RouteId{1})->name == "a");
    CHECK(table.for_original(RouteId{2})->name == "a");
    CHECK(table.for_original(RouteId{3})->name == "a");
    CHECK(table.for_original(RouteId{4}) == nullptr);
    CHECK(table.for_original(RouteId{9}) == nullptr);
    CHECK(table.find("older")->id == RouteId{3});
    CHECK(table.find(RouteId{4})->name == "orphan");
    CHECK(table.find("nobody") == nullptr);
}

TEST_CASE("A table that contradicts itself is refused") {
    const std::vector<IinRange> none;
    const auto error = [](std::vector<Route> routes, std::vector<IinRange> ranges) {
        const auto table = RouteTable::build(std::move(routes), std::move(ranges));
        return table ? std::string("built") : table.error().what;
    };
    CHECK(error({route(1, "a"), route(1, "b")}, none) == "routes a and b have the same id 1");
    CHECK(error({route(1, "a"), route(2, "a")}, none) == "route a is there twice");
    CHECK(error({retired(1, "a", 7)}, none) == "route a: its successor 7 is no route");
    CHECK(error({retired(1, "a", 2), retired(2, "b", 1)}, none) ==
          "route a: its successors go round in a circle");
    CHECK(error({route(1, "a")}, {{"400000", "499999", {RouteId{2}}}}) ==
          "IIN range 400000-499999: 2 is no route");
    CHECK(error({retired(1, "a", 0)}, {{"400000", "499999", {RouteId{1}}}}) ==
          "IIN range 400000-499999: route a is retired and has no successor");
}
