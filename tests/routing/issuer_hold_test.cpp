// Holds of issuer-sim: 0100 keeps one, a sale collects it, 0420 and void lift it; what should never have been
// asked is remembered.
#include <catch2/catch.hpp>

#include "tests/routing/playing_switch.hpp"

using namespace routing;
using iso8583::FieldValues;
using issuer_tests::Switch;

namespace {

FieldValues authorization(std::int64_t amount, int stan) {
    return Switch::request(100, "030000", amount, stan);
}
std::int64_t hold(const Switch& s, const std::string& rrn) {
    const auto standing = s.books().standing_by_rrn();
    const auto at = standing.find(rrn);
    return at == standing.end() ? 0 : at->second.hold;
}

}  // namespace

TEST_CASE("A hold is no booking; the sale that names it collects it, and gives it back when it is undone") {
    Switch s;
    const FieldValues held = authorization(10'000, 1);
    REQUIRE(s.ask(held) == "00");
    REQUIRE(s.lines.size() == 1);
    CHECK(s.lines[0].find(R"("kind":"authorization","amount":10000,)") != std::string::npos);
    CHECK(hold(s, "632500000001") == 10'000);
    CHECK(s.books().standing_by_rrn().at("632500000001").net() == 0);

    const FieldValues completion = Switch::linked(Switch::sale(11'000, 2), held);
    CHECK(s.ask(completion) == "00");
    CHECK(hold(s, "632500000001") == 0);
    CHECK(s.books().standing_by_rrn().at("632500000002").sale == 11'000);
    CHECK(s.ask(Switch::reversal(completion, 3)) == "00");
    CHECK(hold(s, "632500000001") == 10'000);

    const FieldValues again = Switch::linked(Switch::request(220, "000000", 9'000, 4), held);
    CHECK(s.ask(again) == "00");
    CHECK(s.ask(Switch::linked(Switch::request(200, "020000", 9'000, 5), again)) == "00");
    CHECK(hold(s, "632500000001") == 10'000);
    CHECK(s.books().anomalies() == 0);
}

TEST_CASE("A dual-message sale collects its own hold, and its reversal leaves none") {
    Switch s;
    const FieldValues asked = Switch::request(100, "000000", 5'000, 1);
    REQUIRE(s.ask(asked) == "00");
    CHECK(hold(s, "632500000001") == 5'000);
    FieldValues collects = Switch::linked(Switch::request(220, "000000", 5'000, 2), asked);
    collects.set(iso8583::Field::rrn, "632500000001");
    REQUIRE(s.ask(collects) == "00");
    CHECK(hold(s, "632500000001") == 0);
    CHECK(s.books().standing_by_rrn().at("632500000001").sale == 5'000);
    CHECK(s.ask(Switch::reversal(collects, 3)) == "00");
    CHECK(s.books().standing_by_rrn().empty());
    CHECK(s.books().anomalies() == 0);
}

TEST_CASE(
    "A hold is lifted by 0420 or by its void, whose line in the journal is a reversal of an authorization") {
    Switch s;
    const FieldValues first = authorization(100, 1);
    REQUIRE(s.ask(first) == "00");
    CHECK(s.ask(Switch::reversal(first, 2)) == "00");
    REQUIRE(s.lines.size() == 1);
    CHECK(s.lines[0].find(R"("kind":"reversal","of":"authorization","amount":100,)") != std::string::npos);
    const FieldValues second = authorization(200, 3);
    REQUIRE(s.ask(second) == "00");
    const FieldValues voided = Switch::linked(Switch::request(100, "020000", 200, 4), second);
    CHECK(s.ask(voided) == "00");
    REQUIRE(s.lines.size() == 1);
    CHECK(s.lines[0].find(R"("kind":"reversal","of":"authorization","amount":200,)") != std::string::npos);
    CHECK(s.books().standing_by_rrn().empty());
    CHECK(s.ask(Switch::reversal(voided, 5)) == "00");
    CHECK(hold(s, "632500000003") == 200);
    CHECK(s.books().anomalies() == 0);
}

TEST_CASE("What is collected twice, or lifted after it was collected, is remembered") {
    Switch s;
    const FieldValues held = authorization(100, 1);
    REQUIRE(s.ask(held) == "00");
    REQUIRE(s.ask(Switch::linked(Switch::sale(100, 2), held)) == "00");
    CHECK(s.ask(Switch::reversal(held, 3)) == "12");
    CHECK(s.books().anomalies(Anomaly::reversal_of_collected) == 1);
    REQUIRE(s.ask(Switch::linked(Switch::sale(100, 4), held)) == "00");
    CHECK(s.books().anomalies(Anomaly::completion_of_spent) == 1);
    REQUIRE(s.ask(Switch::linked(Switch::sale(100, 6), Switch::sale(1, 5))) == "00");
    CHECK(s.books().anomalies(Anomaly::completion_without_authorization) == 1);
    CHECK(s.control("next authorization decline 05") == "ok");
    CHECK(s.ask(authorization(100, 7)) == "05");
}
