// The generator over loopback: against the echo of `limit`, which answers at once, and against one that
// pauses.
#include "bench/fleet.hpp"

#include <poll.h>

#include <catch2/catch.hpp>

#include "bench/relay.hpp"

using namespace bench;

namespace {

/// Sends its slot number; can hold the generator's thread once, as a stalled system would.
class CountingPlayer final : public Player {
  public:
    std::size_t begin(std::size_t slot, iso8583::Bytes& out) override {
        ++begun;
        out.insert(out.end(), {0, 1, static_cast<std::uint8_t>(slot)});
        return slot % 2;
    }
    std::optional<std::size_t> slot_of(std::size_t, const iso8583::Frame& frame) override {
        if (frame.body.size() != 1) return std::nullopt;
        return frame.body[0];
    }
    void end(std::size_t, const iso8583::Frame&) override {
        if (++ended == stall_at) poll(nullptr, 0, 300);  // the stall itself, in ms
    }
    std::uint64_t begun = 0, ended = 0, stall_at = 0;
};

std::vector<FleetConnection> connections_to(std::uint16_t port, std::size_t count, std::size_t slots) {
    std::vector<FleetConnection> all(count);
    std::size_t slot = 0;
    for (FleetConnection& c : all) {
        c.port = port;
        for (std::size_t i = 0; i < slots; ++i) c.slots.push_back(slot++);
    }
    return all;
}

}  // namespace

TEST_CASE("A bounded run gives every slot its requests and counts each answer once") {
    EchoIssuer echo;
    auto relay = RelayServer::start(echo.port(), nullptr);
    REQUIRE(relay.has_value());
    Fleet fleet(connections_to((*relay)->port(), 3, 4));
    REQUIRE(fleet.connect().has_value());
    CountingPlayer player;
    FleetOptions options;
    options.warm_up_s = 0;
    options.duration_s = 20;
    options.requests_per_slot_max = 5;
    const FleetResult result = fleet.run(player, options);
    CHECK(player.begun == 60);
    CHECK(player.ended == 60);
    CHECK(result.done == 60);
    CHECK(result.latency.count() == 60);
    CHECK(result.by_kind[0].count() + result.by_kind[1].count() == 60);
    CHECK(result.unanswered == 0);
    CHECK(result.stray_answers == 0);
    CHECK(result.broken_connections == 0);
    // The same connections play again.
    CHECK(fleet.run(player, options).done == 60);
}

TEST_CASE("Open loop: what was due during a stall counts from when it was due") {
    EchoIssuer echo;
    Fleet fleet(connections_to(echo.port(), 1, 2));
    REQUIRE(fleet.connect().has_value());
    CountingPlayer player;
    player.stall_at = 50;
    FleetOptions options;
    options.rate = 500;
    options.warm_up_s = 0;
    options.duration_s = 1;
    const FleetResult result = fleet.run(player, options);
    // 150 requests were due in the 300 ms; without correction only the two under way would show it.
    CHECK(result.latency.percentile_ns(0.9) > 100'000'000);
    CHECK(result.service.percentile_ns(0.9) < 100'000'000);
    CHECK(result.backlog_max > 50);
    CHECK(result.done > 300);
}

TEST_CASE("The seconds of a run are all of it: they add up to what was measured, the begun last one too") {
    EchoIssuer echo;
    Fleet fleet(connections_to(echo.port(), 1, 2));
    REQUIRE(fleet.connect().has_value());
    CountingPlayer player;
    player.stall_at = 350;  // a silent stretch in the middle
    FleetOptions options;
    options.rate = 300;
    options.warm_up_s = 0.3;
    options.duration_s = 2.5;
    const FleetResult result = fleet.run(player, options);
    REQUIRE(result.seconds.size() == 3);
    std::uint64_t sum = 0;
    double length = 0;
    for (const FleetSecond& s : result.seconds) {
        sum += s.done;
        length += s.length_s;
    }
    CHECK(sum == result.done);
    CHECK(result.latency.count() == result.done);
    CHECK(length == Approx(result.measured_s));
    CHECK(result.seconds[2].length_s == Approx(0.5));
    for (const FleetSecond& s : result.seconds) CHECK(s.done > 0);
}

TEST_CASE("A server that is not there and one that goes away") {
    std::uint16_t port = 0;
    {
        EchoIssuer echo;
        port = echo.port();
    }
    Fleet nobody(connections_to(port, 1, 1));
    const auto connected = nobody.connect();
    REQUIRE_FALSE(connected.has_value());
    CHECK(connected.error().what.find("cannot connect to 127.0.0.1:") == 0);

    auto echo = std::make_unique<EchoIssuer>();
    Fleet fleet(connections_to(echo->port(), 2, 2));
    REQUIRE(fleet.connect().has_value());
    echo.reset();
    CountingPlayer player;
    FleetOptions options;
    options.duration_s = 20;
    const FleetResult result = fleet.run(player, options);
    CHECK(result.broken_connections == 2);
    CHECK(result.done == 0);
}
