// Who may have a place, and who makes room: no socket, the time is the test's.
#include <catch2/catch.hpp>

#include <string>

#include "switch/io/terminal_places.hpp"

using acquirer::LinkId;
using acquirer::TerminalPlaces;
using iso8583::Instant;
using iso8583::IpAddress;
using Left = TerminalPlaces::Left;
using Refused = TerminalPlaces::Refused;

namespace {

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

/// Places, and the caller's part: who makes room leaves.
struct Desk {
    explicit Desk(acquirer::TerminalPlaceBounds bounds) : places(bounds) {}
    std::uint64_t come(const std::string& address, std::int64_t ms = 0) {
        const LinkId id{++last};
        const auto arrival = places.arrive(id, ip(address), Instant{ms});
        refused = arrival.refused;
        if (arrival.makes_room) {
            out.push_back(arrival.makes_room->value);
            places.left(*arrival.makes_room, Left::in_order, Instant{ms});
        }
        return id.value;
    }
    TerminalPlaces places;
    std::uint64_t last = 0;
    Refused refused = Refused::none;
    std::vector<std::uint64_t> out;
};

}  // namespace

TEST_CASE("places: 10,000 idle connections of one address shut nobody out", "[places]") {
    Desk d({10'000, 5'000, 120});
    for (int i = 0; i < 10'000; ++i) d.come("192.0.2.7");
    CHECK(d.places.size() == 5'000);  // its share
    CHECK(d.places.most_of_one_address() == 5'000);
    CHECK(d.out.size() == 5'000);  // its own oldest ones
    for (int i = 0; i < 5'000; ++i) {
        const std::uint64_t link = d.come("198.51.100." + std::to_string(i % 250));
        REQUIRE(d.refused == Refused::none);
        d.places.verified(LinkId{link});
    }
    CHECK(d.places.size() == 10'000);
    CHECK(d.out.size() == 5'000);
    // All places are taken, and there is room: the stranger's connections go first, the oldest first.
    d.come("203.0.113.1");
    CHECK(d.refused == Refused::none);
    CHECK(d.out.back() == 5'001);
    CHECK_FALSE(d.places.all_taken());
}

TEST_CASE("places: verified connections are never taken away", "[places]") {
    Desk d({4, 3, 120});
    for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"})
        d.places.verified(LinkId{d.come(address)});
    CHECK(d.places.all_taken());
    d.come("192.0.2.9");
    CHECK(d.refused == Refused::all_taken);
    CHECK(d.out.empty());
    d.places.left(LinkId{2}, Left::in_order, Instant{0});
    d.come("192.0.2.9");
    CHECK(d.refused == Refused::none);
    CHECK(d.places.unverified() == 1);
}

TEST_CASE("places: at its share an address makes room for itself, and never at others' cost", "[places]") {
    Desk d({10, 3, 120});
    const std::uint64_t other = d.come("198.51.100.1");
    for (int i = 0; i < 3; ++i) d.places.verified(LinkId{d.come("192.0.2.7")});
    d.come("192.0.2.7");
    CHECK(d.refused == Refused::share_taken);
    d.places.left(LinkId{other}, Left::in_order, Instant{0});
    CHECK(d.places.size() == 3);
}

TEST_CASE("places: an IPv6 network of 64 bits is one address", "[places]") {
    Desk d({10, 3, 120});
    for (int i = 1; i <= 5; ++i) d.come("2001:db8:1:2::" + std::to_string(i));
    CHECK(d.places.size() == 3);
    d.come("2001:db8:1:3::1");
    CHECK(d.places.size() == 4);
}

TEST_CASE("places: of many addresses the one with most that is unverified makes room", "[places]") {
    Desk d({6, 4, 120});
    d.come("192.0.2.1");
    for (int i = 0; i < 3; ++i) d.come("192.0.2.2");
    d.come("192.0.2.3");
    d.come("192.0.2.4");
    d.come("192.0.2.5");
    CHECK(d.out == std::vector<std::uint64_t>{2});
    d.come("192.0.2.6");
    CHECK(d.out == std::vector<std::uint64_t>{2, 3});
}

TEST_CASE("places: an address that sends nonsense is shut for a minute, unless a terminal there has verified",
          "[places]") {
    Desk d({100, 50, 10});
    int shut = 0;
    const auto nonsense = [&](const char* address, int times, std::int64_t ms) {
        for (int i = 0; i < times; ++i) {
            const std::uint64_t link = d.come(address, ms);
            if (d.refused != Refused::none) continue;
            if (d.places.left(LinkId{link}, Left::sent_nonsense, Instant{ms})) ++shut;
        }
    };
    nonsense("192.0.2.7", 10, 1'000);
    CHECK(shut == 0);
    nonsense("192.0.2.7", 5, 1'000);
    CHECK(shut == 1);  // told once
    CHECK(d.refused == Refused::address_shut);
    d.come("192.0.2.8", 1'000);
    CHECK(d.refused == Refused::none);
    d.come("192.0.2.7", 1'000 + TerminalPlaces::shut_ms - 1);
    CHECK(d.refused == Refused::address_shut);
    const std::uint64_t back = d.come("192.0.2.7", 1'000 + TerminalPlaces::shut_ms);
    CHECK(d.refused == Refused::none);
    d.places.verified(LinkId{back});
    nonsense("192.0.2.7", 40, 70'000);
    d.come("192.0.2.7", 70'000);
    CHECK(d.refused == Refused::none);
    // Who only comes and goes sends no nonsense.
    for (int i = 0; i < 100; ++i)
        d.places.left(LinkId{d.come("192.0.2.9", 1'000)}, Left::in_order, Instant{1'000});
    CHECK(d.refused == Refused::none);
    CHECK(d.places.size() == 3);
}
