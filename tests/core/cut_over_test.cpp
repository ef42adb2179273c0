// The business day: cut-overs by the schedule and by hand, whatever the clock does (A.4; rulings 20).
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "ledger/ledger.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::Role;

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;

iso8583::TimeZone zone(const std::string& name) {
    std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
    return iso8583::TimeZone::parse_tzif(std::string(std::istreambuf_iterator<char>(file), {})).value();
}
iso8583::TimeZone berlin() { return zone("Europe/Berlin"); }
/// 2026-10-24T22:00:00Z: midnight of the day on which summer time ends in Berlin.
constexpr iso8583::UtcTime summer_ends{1'792'879'200'000};
/// 2026-03-28T23:00:00Z: midnight of the day on which it begins.
constexpr iso8583::UtcTime summer_begins{1'774'738'800'000};

std::function<void(acquirer::Configuration&)> at(std::int32_t hour, std::int32_t minute) {
    return [=](acquirer::Configuration& c) { c.cutover_at_minute = hour * 60 + minute; };
}
/// 2026-03-28T02:00:00Z: midnight of the day whose last hour Nuuk leaves out.
constexpr iso8583::UtcTime nuuk_leaps{1'774'663'200'000};

/// A time that comes twice when summer ends in Berlin, and not at all when it begins.
void at_half_past_two_in_berlin(acquirer::Configuration& c) {
    c.time_zone = berlin();
    at(2, 30)(c);
}
std::string day(const Desk& d) { return d.status().business_date.date.iso(); }
std::uint64_t cut_overs(const Desk& d) {
    const auto counters = d.status().counters;
    const auto found = counters.find("cut_overs");
    return found == counters.end() ? 0 : found->second;
}

}  // namespace

// The desk begins at noon of 2026-11-21 in Shanghai.
TEST_CASE("R38 the schedule cuts the day over at its local time, once a day", "[cut-over]") {
    Desk d(at(12, 30));
    d.pass(30 * minute_ms - 1);
    CHECK(day(d) == "2026-11-21");
    d.pass(1);
    CHECK(day(d) == "2026-11-22");
    d.pass(24 * hour_ms - 1);
    CHECK(day(d) == "2026-11-22");
    d.pass(1);
    CHECK(day(d) == "2026-11-23");
}

TEST_CASE("a clock set back by a second does not close a local day twice", "[cut-over]") {
    Desk d(at(12, 30));
    d.pass(30 * minute_ms);
    REQUIRE(day(d) == "2026-11-22");
    d.set_clock(d.now().utc.plus_ms(-1'000));
    d.pass(10 * minute_ms);
    CHECK(day(d) == "2026-11-22");
    d.set_clock(d.now().utc.plus_ms(-hour_ms));
    d.restart();
    d.pass(2 * hour_ms);
    CHECK(day(d) == "2026-11-22");
    CHECK(cut_overs(d) == 0);  // since the restart
    d.pass(23 * hour_ms);
    CHECK(day(d) == "2026-11-23");
}

TEST_CASE("a clock set forward or back in the day moves the schedule with it", "[cut-over]") {
    Desk d(at(18, 0));
    d.set_clock(d.now().utc.plus_ms(6 * hour_ms - 2'000));  // 17:59:58
    d.pass(minute_ms);                                      // it is looked at within a minute
    CHECK(day(d) == "2026-11-22");
    Desk back(at(18, 0));
    back.set_clock(back.now().utc.plus_ms(-3 * hour_ms));  // 09:00
    back.pass(6 * hour_ms);                                // where 18:00 was when the day began
    CHECK(day(back) == "2026-11-21");
    back.pass(3 * hour_ms);
    CHECK(day(back) == "2026-11-22");
}

TEST_CASE("a reload or a restart in the minute of the cut-over makes no second one", "[cut-over]") {
    Desk d(at(12, 30));
    d.pass(30 * minute_ms);
    REQUIRE(day(d) == "2026-11-22");
    d.offer(acquirer::ConfigReplaced{d.configuration});
    d.restart();
    d.offer(acquirer::ConfigReplaced{d.configuration});
    d.pass(minute_ms);
    CHECK(day(d) == "2026-11-22");
    // Nor does a schedule that is moved to later on the same day.
    d.configuration->cutover_at_minute = 12 * 60 + 45;
    d.offer(acquirer::ConfigReplaced{d.configuration});
    d.pass(hour_ms);
    CHECK(day(d) == "2026-11-22");
}

TEST_CASE("days missed while the switch was down are made up at start, one cut-over each", "[cut-over]") {
    Desk d(at(12, 30));
    d.set_clock(d.now().utc.plus_ms(72 * hour_ms + 31 * minute_ms));  // four times 12:30 have passed
    d.notes.clear();
    d.restart();
    CHECK(day(d) == "2026-11-25");
    CHECK(cut_overs(d) == 4);
    std::size_t lines = 0;
    for (const auto& note : d.notes)
        if (note.kind == acquirer::NoteKind::day_cut_over) ++lines;
    CHECK(lines == 1);
    std::size_t stored = 0;
    const auto range = ledger::all_keys(ledger::KeyPrefix::business_day);
    REQUIRE(d.store().scan(ledger::Family::journal, range.from, range.to, [&](auto, auto) {
        ++stored;
        return true;
    }));
    CHECK(stored == 5);  // the first start's as well
    d.restart();
    CHECK(day(d) == "2026-11-25");
}

TEST_CASE("the end of summer time makes one cut-over, at the first of the two times", "[cut-over]") {
    Desk d(at_half_past_two_in_berlin, summer_ends);
    d.pass(150 * minute_ms - 1);
    CHECK(day(d) == "2026-10-25");
    d.pass(1);
    CHECK(day(d) == "2026-10-26");
    d.pass(23 * hour_ms);  // 00:30 of the next day: 02:30 came again in between
    CHECK(day(d) == "2026-10-26");
    d.restart();
    CHECK(day(d) == "2026-10-26");
    d.pass(2 * hour_ms);
    CHECK(day(d) == "2026-10-27");
}

TEST_CASE("the end of summer time between two cut-overs makes the second neither early nor twice",
          "[cut-over]") {
    Desk d(
        [](acquirer::Configuration& c) {
            c.time_zone = berlin();
            at(23, 0)(c);
        },
        summer_ends);
    d.pass(24 * hour_ms - 1);  // that day has 25 hours
    CHECK(day(d) == "2026-10-25");
    d.pass(1);
    CHECK(day(d) == "2026-10-26");
    d.pass(2 * hour_ms);
    CHECK(day(d) == "2026-10-26");
}

TEST_CASE("a cut-over whose local time does not exist in spring is at the first instant after it",
          "[cut-over]") {
    Desk d(at_half_past_two_in_berlin, summer_begins);
    d.pass(2 * hour_ms - 1);
    CHECK(day(d) == "2026-03-29");
    d.pass(1);
    CHECK(day(d) == "2026-03-30");
}

TEST_CASE("a cut-over whose local time leaps over midnight in spring is that of the day before",
          "[cut-over]") {
    for (const bool restarted : {false, true}) {
        CAPTURE(restarted);
        Desk d(
            [](acquirer::Configuration& c) {
                c.time_zone = zone("America/Nuuk");
                at(23, 30)(c);
            },
            nuuk_leaps);
        d.pass(23 * hour_ms - 1);  // the local clock goes from 23:00 to 00:00
        CHECK(day(d) == "2026-03-28");
        d.pass(1);
        CHECK(day(d) == "2026-03-29");
        if (restarted) d.restart();
        d.pass(23 * hour_ms + 30 * minute_ms - 1);
        CHECK(day(d) == "2026-03-29");
        d.pass(1);  // 23:30 of the first day of summer
        CHECK(day(d) == "2026-03-30");
        d.pass(24 * hour_ms);
        CHECK(day(d) == "2026-03-31");
    }
}

TEST_CASE("a local day that a zone leaves out is closed at once with the one before it", "[cut-over]") {
    // Apia had no 2011-12-30: the clock went from 24:00 of the 29th to 00:00 of the 31st.
    constexpr iso8583::UtcTime noon_of_the_29th{1'325'196'000'000};
    for (const std::int32_t hour : {0, 23}) {
        CAPTURE(hour);
        Desk d(
            [hour](acquirer::Configuration& c) {
                c.time_zone = zone("Pacific/Apia");
                at(hour, 0)(c);
            },
            noon_of_the_29th);
        CHECK(day(d) == "2011-12-29");
        d.pass(12 * hour_ms);  // 00:00 of the 31st
        CHECK(day(d) == "2011-12-31");
        d.pass(24 * hour_ms);
        CHECK(day(d) == "2012-01-01");
        d.pass(24 * hour_ms);
        CHECK(day(d) == "2012-01-02");
    }
}

TEST_CASE("a cut-over at midnight begins the local day, whatever the clock did before", "[cut-over]") {
    Desk d(at(0, 0));
    d.pass(12 * hour_ms - 1);
    CHECK(day(d) == "2026-11-21");
    d.pass(1);
    CHECK(day(d) == "2026-11-22");
    // Back over midnight, and over it again.
    d.set_clock(d.now().utc.plus_ms(-1));
    d.restart();
    d.pass(minute_ms);
    CHECK(day(d) == "2026-11-22");
    d.pass(24 * hour_ms - minute_ms);
    CHECK(day(d) == "2026-11-22");
    d.pass(1);
    CHECK(day(d) == "2026-11-23");
    // Three midnights missed.
    d.set_clock(d.now().utc.plus_ms(72 * hour_ms));
    d.restart();
    CHECK(day(d) == "2026-11-26");
}

TEST_CASE("day cutover is refused when the day would be later than tomorrow", "[cut-over]") {
    Desk d;
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    const auto refused = d.operate(acquirer::CutOverDay{}, "admin1", Role::admin);
    CHECK(!refused.done);
    CHECK(refused.text.find("2026-11-23 would be later than tomorrow, the local date is 2026-11-21") !=
          std::string::npos);
    CHECK(day(d) == "2026-11-22");
    d.pass(12 * hour_ms);  // midnight
    CHECK(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    CHECK(day(d) == "2026-11-23");
}

TEST_CASE("day cutover --force is an admin's proposal that a supervisor approves", "[cut-over]") {
    Desk d;
    const auto value = [](const acquirer::OperatorAnswer& answer, std::string_view name) {
        for (const auto& [key, content] : answer.values)
            if (key == name) return content;
        return std::string();
    };
    const auto decide = [&](const std::string& id, const std::string& who) {
        return d.operate(acquirer::DecideProposal{id, acquirer::DecideProposal::To::approve, ""}, who,
                         Role::supervisor);
    };
    // Within the bound force asks nobody.
    REQUIRE(d.operate(acquirer::CutOverDay{true}, "admin1", Role::admin).done);
    CHECK(day(d) == "2026-11-22");
    const auto first = d.operate(acquirer::CutOverDay{true}, "admin1", Role::admin);
    const auto second = d.operate(acquirer::CutOverDay{true}, "admin1", Role::admin);
    REQUIRE(first.done);
    REQUIRE(second.done);
    CHECK(day(d) == "2026-11-22");
    CHECK(!decide(value(first, "proposal"), "admin1").done);
    const auto done = decide(value(first, "proposal"), "sup1");
    CHECK(done.text == "business day 2026-11-22 is closed; 2026-11-23 began");
    CHECK(day(d) == "2026-11-23");
    // The other one was about a day that is closed.
    const auto lapsed = decide(value(second, "proposal"), "sup1");
    CHECK(!lapsed.done);
    CHECK(lapsed.text.find("another business day began") != std::string::npos);
    CHECK(day(d) == "2026-11-23");
}

TEST_CASE("R54 what a repeat of an advice says of local time and institutions does not change",
          "[cut-over]") {
    Desk d([](acquirer::Configuration& c) { c.time_zone = berlin(); }, summer_ends.plus_ms(2 * hour_ms));
    const Answer sale = d.sale(card_a);
    d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "", MacState::verified, {}}; };
    REQUIRE(d.ask(d.refund_of(sale, "000000001000", card_a))->code == "00");
    const auto first = d.last_sent("0220").fields;
    d.pass(2 * hour_ms);  // summer time has ended
    // Nor when the configuration moves the switch, and it starts again.
    d.configuration->time_zone = iso8583::TimeZone::fixed(9 * 3600);
    std::vector<routing::Route> routes = d.configuration->routes.routes();
    for (routing::Route& route : routes) route.acquirer = iso8583::InstitutionId::parse("48201110").value();
    d.configuration->routes = routing::RouteTable::build(routes, {{"621234", "621299", {Desk::a}}}).value();
    d.restart();
    d.pass(2 * hour_ms);
    const auto repeat = d.last_sent("0221").fields;
    for (const iso8583::Field f :
         {iso8583::Field::local_time, iso8583::Field::local_date, iso8583::Field::acquirer_institution,
          iso8583::Field::original_data, iso8583::Field::stan, iso8583::Field::transmission_time}) {
        INFO(iso8583::number(f));
        CHECK(repeat.get(f) == first.get(f));
    }
}

TEST_CASE("R54 a chain keeps its order over a restart when RRNs begin anew after ten years", "[R54]") {
    Desk d({}, iso8583::UtcTime{1'893'420'000'000});  // 2029-12-31 22:00 in Shanghai: RRNs begin 9365
    const Answer sale = d.sale(card_a);
    d.link(Desk::a, false);
    const auto first = d.ask(d.refund_of(sale, "000000001000", card_a));
    d.pass(3 * hour_ms);
    const auto second = d.ask(d.refund_of(sale, "000000002000", card_a));
    REQUIRE(first->rrn.substr(0, 4) == "9365");
    REQUIRE(second->rrn.substr(0, 4) == "0001");
    d.restart();
    d.pass(minute_ms);
    std::vector<std::string> order;
    for (const Sent& m : d.sent)
        if (m.mti() == "0220") order.emplace_back(m.fields.get(iso8583::Field::rrn));
    CHECK(order == std::vector<std::string>{first->rrn, second->rrn});
}

TEST_CASE("the sums of a closed day leave the memory and stand in the ledger", "[cut-over]") {
    Desk d;
    d.sale(card_a);
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    d.sale(card_b);
    d.restart();
    ledger::Ledger books(d.overlay());
    books.recover();
    const std::string closed = ledger::accounts_prefix({{2026, 11, 21}});
    std::size_t open_sums = 0;
    for (const auto& [name, total] : books.totals().all()) {
        CHECK(name.compare(0, closed.size(), closed) != 0);
        if (name.rfind("l/20261122/", 0) == 0) ++open_sums;
    }
    CHECK(open_sums == 2);
    ledger::Totals stored;
    const auto range = ledger::sums_of_day({{2026, 11, 21}});
    REQUIRE(d.store().scan(ledger::Family::journal, range.from, range.to, [&](auto, auto value) {
        REQUIRE(stored.add_stored(ledger::decode_day_sums(value)->sums).has_value());
        return true;
    }));
    const auto merchant = stored.get(
        ledger::account_name({{2026, 11, 21}}, ledger::Account::merchant_payable, "898110157220001"));
    CHECK(merchant == ledger::Total{1, -10'000});
}

TEST_CASE("a schedule never makes the day later than tomorrow after a cut-over by hand", "[cut-over]") {
    Desk d(at(12, 30));
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    d.pass(hour_ms);
    CHECK(day(d) == "2026-11-22");
    d.restart();
    CHECK(day(d) == "2026-11-22");
    d.pass(24 * hour_ms);
    CHECK(day(d) == "2026-11-23");
}
