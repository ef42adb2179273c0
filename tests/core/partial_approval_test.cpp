// A 10 that cannot be taken (R26a). What becomes of one that can is flows (r26_*).
#include <catch2/catch.hpp>

#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

namespace {

Does answers(const char* code) { return {Does::Kind::decline, code, MacState::verified, {}}; }

}  // namespace

TEST_CASE("R26a a 10 without DE4, or one that is nothing or not lower, is no approval of a part", "[R26a]") {
    for (const std::int64_t part : {0, 10'000, 10'001}) {
        Desk d([](acquirer::Configuration& c) {
            std::vector<routing::Route> routes = c.routes.routes();
            for (routing::Route& r : routes) r.partial_approval = true;
            c.routes =
                routing::RouteTable::build(std::move(routes), {{"400000", "499999", {Desk::b}}}).value();
        });
        Does does = answers("10");
        does.other_amount = part;
        d.issuer = [&](const Sent& m) { return m.mti() == "0200" ? does : Does{}; };
        Ask s;
        s.partial = true;
        const auto answer = d.ask(s);
        REQUIRE(answer);
        CHECK(answer->code == "51");
        CHECK(d.state(answer->rrn) == "reversed");
        CHECK(d.last_sent("0420").fields.get(Field::amount_transaction) == "000000010000");
        CHECK(d.ask(s)->code == "51");
    }
}

TEST_CASE("R26a a 10 to a void or refund is an alarm: the issuer keeps a part of what nobody split",
          "[R26a]") {
    for (const bool is_void : {true, false}) {
        Desk d;
        const Answer sale = d.sale();
        Does does = answers("10");
        does.other_amount = 2'000;
        d.issuer = [&](const Sent& m) { return m.mti() == "0200" ? does : Does{}; };
        const auto answer = d.ask(is_void ? d.void_of(sale) : d.refund_of(sale, "000000004000"));
        REQUIRE(answer);
        CHECK(answer->code == "98");
        CHECK(d.count_sent("0420") == 1);
        CHECK(d.state(sale.rrn) == "approved");
        CHECK(d.remaining(sale.rrn) == 10'000);
        bool alarm = false;
        for (const auto& n : d.notes)
            alarm = alarm || (n.severity == acquirer::Severity::alarm && n.rule == "R26a");
        CHECK(alarm);
    }
}
