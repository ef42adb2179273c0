// The HSM over TCP: the same answers as embedded, from several servers, with failover and time-outs (R64).
#include "switch/io/hsm_client.hpp"

#include <catch2/catch.hpp>

#include "hsm_sim/test_keys.hpp"
#include "tests/io/hsm_server.hpp"
#include "tests/io/record_channel.hpp"
#include "tests/io/stack.hpp"

using namespace io_test;
using acquirer::HsmClient;
using acquirer::HsmClientSetup;

namespace {

HsmClientSetup quick() {
    HsmClientSetup setup;
    setup.connections = 2;
    setup.health_every_ms = 50;
    setup.reconnect_first_ms = 10;
    setup.reconnect_longest_ms = 50;
    return setup;
}

/// A client on a reactor that the test turns by hand.
struct Desk {
    explicit Desk(const std::vector<std::uint16_t>& ports, std::int32_t reply_timeout_ms = 1'000,
                  acquirer::MakeChannel channel = acquirer::plain_channel, HsmClientSetup setup = quick()) {
        setup.channel = std::move(channel);
        for (const std::uint16_t port : ports) setup.addresses.push_back({"127.0.0.1", port});
        setup.reply_timeout_ms = reply_timeout_ms;
        client = std::make_unique<HsmClient>(reactor, log, clock, setup);
        client->on_reply([this](const acquirer::HsmAsker& asker, const hsm::Reply& reply) {
            replies.emplace_back(asker.ticket, reply);
        });
    }
    /// Runs the reactor until `done`, looked at every few milliseconds.
    void run_until(const std::function<bool()>& done) {
        const auto watch = reactor.alarm([&] {
            if (done() || ++polls > 5'000) return reactor.stop();
            again->set(acquirer::Reactor::now().plus_ms(2));
        });
        again = watch.get();
        watch->set(acquirer::Reactor::now());
        reactor.run();
    }
    /// Lets the reactor run for some looks.
    void run_a_while() {
        int looks = 0;
        run_until([&] { return ++looks == 25; });
    }
    void ask(hsm::Ticket ticket, const hsm::Request& request) {
        if (auto now = client->ask({acquirer::LinkId{1}, ticket}, request))
            replies.emplace_back(ticket, *now);
        client->flush();
    }
    void wait_for_replies(std::size_t count) {
        run_until([&] { return replies.size() >= count; });
        REQUIRE(replies.size() >= count);
    }

    acquirer::Log log{acquirer::Severity::alarm};
    acquirer::WallClock clock{iso8583::TimeZone::fixed(8 * 3600)};
    acquirer::Reactor reactor;
    std::unique_ptr<HsmClient> client;
    std::vector<std::pair<hsm::Ticket, hsm::Reply>> replies;
    acquirer::Alarm* again = nullptr;
    int polls = 0;
};

hsm::Request mac_request(std::string_view data) {
    const iso8583::ByteView view = iso8583::as_bytes(data);
    return hsm::GenerateMac{hsm::KeyKind::tak,
                            *hsm::KeyBlock::parse(hsm::test_keys::tak),
                            {hsm::MacAlgorithm::retail, hsm::MacPadding::zeros},
                            {view.begin(), view.end()}};
}

/// A MAC that is right.
hsm::Request verify_request() {
    hsm::OpensslRandom random;
    hsm::HsmEngine engine(hsm::Lmk::test(), random);
    const auto made = engine.perform(mac_request("x"));
    const auto request = std::get<hsm::GenerateMac>(mac_request("x"));
    return hsm::VerifyMac{request.kind, request.key, request.profile, request.data,
                          std::get<hsm::MacGenerated>(*made).mac};
}

}  // namespace

TEST_CASE("many questions in flight are answered as the embedded HSM answers them") {
    HsmServer server;
    Desk desk({server.port()});
    desk.run_until([&] { return desk.client->available(); });
    REQUIRE(desk.client->available());
    for (hsm::Ticket t = 1; t <= 100; ++t) desk.ask(t, mac_request("message " + std::to_string(t)));
    desk.wait_for_replies(100);
    hsm::OpensslRandom random;
    hsm::HsmEngine engine(hsm::Lmk::test(), random);
    for (const auto& [ticket, reply] : desk.replies) {
        const hsm::Reply embedded = engine.perform(mac_request("message " + std::to_string(ticket)));
        REQUIRE(reply.has_value());
        CHECK(std::get<hsm::MacGenerated>(*reply).mac == std::get<hsm::MacGenerated>(*embedded).mac);
    }
    CHECK(desk.client->waiting() == 0);
}

TEST_CASE("the HSM is asked through a channel with a handshake, and again after its end") {
    auto server =
        std::make_unique<HsmServer>(Manner::right, std::uint16_t{0}, hsm::Lmk::test(), records(Side::server));
    const std::uint16_t port = server->port();
    Desk desk({port}, 1'000, records(Side::client));
    desk.run_until([&] { return desk.client->usable_connections() == 2; });
    for (hsm::Ticket t = 1; t <= 100; ++t) desk.ask(t, mac_request("message " + std::to_string(t)));
    desk.wait_for_replies(100);
    for (const auto& [ticket, reply] : desk.replies) CHECK(reply.has_value());
    server.reset();
    desk.run_until([&] { return !desk.client->available(); });
    server = std::make_unique<HsmServer>(Manner::right, port, hsm::Lmk::test(), records(Side::server));
    desk.run_until([&] { return desk.client->available(); });
    desk.ask(101, mac_request("again"));
    desk.wait_for_replies(101);
    CHECK(desk.replies.back().second.has_value());
}

TEST_CASE("nobody there: unavailable at once") {
    Desk desk({1});
    desk.ask(1, mac_request("x"));
    REQUIRE(desk.replies.size() == 1);
    CHECK(desk.replies[0].second.error() == hsm::HsmFault::unavailable);
}

TEST_CASE("an HSM that does not answer is unavailable after the time-out (R64)") {
    HsmServer server(Manner::mute);
    Desk desk({server.port()}, 100);
    desk.run_until([&] { return desk.client->available(); });
    desk.ask(1, mac_request("x"));
    CHECK(desk.replies.empty());
    desk.wait_for_replies(1);
    CHECK(desk.replies[0].second.error() == hsm::HsmFault::unavailable);
    CHECK(desk.client->waiting() == 0);
}

TEST_CASE("an HSM that is frozen is asked whether it lives after n time-outs in a row, and given up") {
    HsmServer server;
    HsmClientSetup setup;
    setup.timeouts_max = 2;
    setup.probe_ms = 50;
    setup.health_every_ms = 600'000;  // the regular one is far away
    setup.reconnect_first_ms = 300'000;
    setup.reconnect_longest_ms = 300'000;
    setup.connections = 1;
    Desk desk({server.port()}, 100, acquirer::plain_channel, setup);
    desk.run_until([&] { return desk.client->available(); });
    server.behave(Manner::frozen);
    desk.ask(1, mac_request("x"));
    desk.wait_for_replies(1);
    CHECK(desk.client->available());  // one time-out is none
    desk.ask(2, mac_request("x"));
    desk.wait_for_replies(2);
    desk.run_until([&] { return !desk.client->available(); });
    CHECK_FALSE(desk.client->available());
}

TEST_CASE("what a lost HSM had in work goes to the next one, new questions too") {
    auto first = std::make_unique<HsmServer>(Manner::mute);
    HsmServer second;
    Desk desk({first->port(), second.port()}, 5'000);
    desk.run_until([&] { return desk.client->usable_connections() == 4; });
    for (hsm::Ticket t = 1; t <= 8; ++t) desk.ask(t, mac_request("x"));
    desk.run_until([&] { return first->asked() > 0 && first->asked() + second.served() == 8; });
    REQUIRE(desk.replies.size() < 8);  // the others wait at the first
    first.reset();
    desk.wait_for_replies(8);
    desk.ask(9, mac_request("to the second"));
    desk.wait_for_replies(9);
    for (const auto& [ticket, reply] : desk.replies) CHECK(reply.has_value());
    CHECK(second.served() == 9);
}

TEST_CASE("questions are spread over the HSMs and over their connections") {
    HsmServer a;
    HsmServer b;
    HsmServer c;
    Desk desk({a.port(), b.port(), c.port()});
    desk.run_until([&] { return desk.client->usable_connections() == 6; });
    SECTION("many at once: to the least busy") {
        for (hsm::Ticket t = 1; t <= 300; ++t) desk.ask(t, mac_request("x"));
        desk.wait_for_replies(300);
    }
    SECTION("one after the other: in turn") {
        for (hsm::Ticket t = 1; t <= 300; ++t) {
            desk.ask(t, mac_request("x"));
            desk.wait_for_replies(t);
        }
    }
    for (const auto& [ticket, reply] : desk.replies) CHECK(reply.has_value());
    // A health check on the way makes a connection busier for a moment, so it is not always a third.
    for (const HsmServer* server : {&a, &b, &c}) CHECK(server->served() > 60);
}

TEST_CASE("an HSM that takes more than its share of the time is helped out, and asked last for a while") {
    for (const Manner manner : {Manner::mute, Manner::late}) {
        HsmServer slow(manner);
        HsmServer other;
        Desk desk({slow.port(), other.port()}, 400);
        desk.run_until([&] { return desk.client->usable_connections() == 4; });
        for (hsm::Ticket t = 1; t <= 20; ++t) {
            desk.ask(t, mac_request("x"));
            desk.wait_for_replies(t);
        }
        for (const auto& [ticket, reply] : desk.replies) CHECK(reply.has_value());
        CHECK(slow.asked() >= 1);
        CHECK(slow.asked() < 5);  // of the ten that would be its part
        CHECK(other.served() >= 20);
    }
}

TEST_CASE("an answer that comes too late is taken for no other question's") {
    HsmServer server(Manner::late);
    Desk desk({server.port()}, 100);
    desk.run_until([&] { return desk.client->available(); });
    for (hsm::Ticket t = 1; t <= 4; ++t) desk.ask(t, mac_request("message " + std::to_string(t)));
    desk.wait_for_replies(4);
    for (const auto& [ticket, reply] : desk.replies) CHECK(reply.error() == hsm::HsmFault::unavailable);
    server.behave(Manner::right);
    hsm::OpensslRandom random;
    hsm::HsmEngine engine(hsm::Lmk::test(), random);
    for (hsm::Ticket t = 5; t <= 40; ++t) {
        desk.run_until([&] { return desk.client->available(); });
        desk.ask(t, mac_request("message " + std::to_string(t)));
        desk.wait_for_replies(t);
        const hsm::Reply& reply = desk.replies.back().second;
        const hsm::Reply embedded = engine.perform(mac_request("message " + std::to_string(t)));
        REQUIRE(reply.has_value());
        CHECK(std::get<hsm::MacGenerated>(*reply).mac == std::get<hsm::MacGenerated>(*embedded).mac);
    }
}

TEST_CASE("an HSM that answered health checks alone, for long, is used again as soon as it answers") {
    HsmServer server(Manner::mute);
    Desk desk({server.port()}, 50);
    // Far more than the headers that its connections can have on the way.
    std::size_t asked = 0;
    while (asked < 3 * hsm::PayshieldLink::in_flight_max) {
        desk.run_until([&] { return desk.client->available(); });
        for (int i = 0; i < 64; ++i) desk.ask(++asked, mac_request("x"));
        desk.wait_for_replies(asked);
    }
    for (const auto& [ticket, reply] : desk.replies) CHECK(reply.error() == hsm::HsmFault::unavailable);
    server.behave(Manner::right);
    desk.run_until([&] {
        if (desk.client->available() && desk.client->waiting() == 0) desk.ask(++asked, mac_request("x"));
        return desk.replies.back().second.has_value();
    });
    CHECK(desk.replies.back().second.has_value());
}

TEST_CASE("a wrong answer verifies nothing, and an HSM that answers rightly takes over") {
    const struct {
        const char* what;
        Manner manner;
    } rows[] = {
        {"the header of another question", Manner::other_header},
        {"the response code of another command", Manner::other_command},
        {"cut short", Manner::cut_short},
        {"more than the code", Manner::more_than_the_code},
        {"garbage", Manner::garbage},
        {"a frame beyond the bound", Manner::too_long},
        {"internal error", Manner::internal},
        {"command disabled", Manner::disabled},
        {"error of the LMK", Manner::other_lmk},
    };
    for (const auto& row : rows) {
        DYNAMIC_SECTION(row.what << ", alone") {
            HsmServer wrong(row.manner);
            Desk desk({wrong.port()}, 2'000);
            desk.run_until([&] { return desk.client->available(); });
            desk.ask(1, verify_request());
            desk.wait_for_replies(1);
            const hsm::Reply& reply = desk.replies[0].second;
            CHECK_FALSE(reply.has_value());
            CHECK((reply.error() == hsm::HsmFault::unavailable || row.manner == Manner::disabled));
            wrong.behave(Manner::right);
            desk.run_until([&] { return desk.client->available(); });
            desk.ask(2, verify_request());
            desk.wait_for_replies(2);
            REQUIRE(desk.replies[1].second.has_value());
            CHECK(std::get<hsm::MacVerified>(*desk.replies[1].second).matches);
        }
        DYNAMIC_SECTION(row.what << ", with another one") {
            HsmServer wrong(row.manner);
            HsmServer right;
            Desk desk({wrong.port(), right.port()}, 5'000);
            desk.run_until([&] { return desk.client->usable_connections() == 4; });
            for (hsm::Ticket t = 1; t <= 10; ++t) {
                desk.ask(t, verify_request());
                desk.wait_for_replies(t);
            }
            for (const auto& [ticket, reply] : desk.replies) {
                REQUIRE(reply.has_value());
                CHECK(std::get<hsm::MacVerified>(*reply).matches);
            }
            CHECK(right.served() == 10);
            CHECK(wrong.asked() >= 1);
        }
    }
}

TEST_CASE("trouble of the HSM is no judgement of a PIN block; a refusal of its content is one") {
    HsmServer server(Manner::disabled);
    Desk desk({server.port()});
    desk.run_until([&] { return desk.client->available(); });
    const hsm::Request request = hsm::TranslatePin{hsm::KeyKind::tpk,
                                                   *hsm::KeyBlock::parse(hsm::test_keys::tpk),
                                                   *hsm::KeyBlock::parse(hsm::test_keys::zpk),
                                                   hsm::PinBlockFormat::iso0,
                                                   hsm::PinBlockFormat::iso0,
                                                   iso8583::Bytes(8),
                                                   *iso8583::Pan::parse(card_of_issuer_a)};
    desk.ask(1, request);
    desk.wait_for_replies(1);
    CHECK(desk.replies[0].second.error() == hsm::HsmFault::unavailable);
    server.behave(Manner::right);
    desk.ask(2, request);
    desk.wait_for_replies(2);
    CHECK(desk.replies[1].second.error() == hsm::HsmFault::pin_block_content);
}

TEST_CASE("an HSM comes back") {
    auto server = std::make_unique<HsmServer>();
    const std::uint16_t port = server->port();
    Desk desk({port});
    desk.run_until([&] { return desk.client->available(); });
    server.reset();
    desk.run_until([&] { return !desk.client->available(); });
    CHECK_FALSE(desk.client->available());
    server = std::make_unique<HsmServer>(Manner::right, port);
    desk.run_until([&] { return desk.client->available(); });
    desk.ask(1, mac_request("again"));
    desk.wait_for_replies(1);
    CHECK(desk.replies[0].second.has_value());
}

TEST_CASE("an HSM with another LMK is not used") {
    hsm::LmkMaterial other;
    for (std::size_t i = 0; i < other.pairs.size(); ++i)
        for (std::size_t k = 0; k < other.pairs[i].size(); ++k)
            other.pairs[i][k] = static_cast<std::uint8_t>(0x10 * (i % 15) + k + 1);
    HsmServer right;
    std::uint16_t port = 0;
    {
        HsmServer nobody_yet;
        port = nobody_yet.port();
    }
    // The first that answers says which LMK is meant.
    Desk desk({port, right.port()});
    desk.run_until([&] { return desk.client->usable_connections() == 2; });
    HsmServer stranger(Manner::right, port, hsm::Lmk(other));
    desk.run_a_while();
    CHECK(desk.client->usable_connections() == 2);
    desk.ask(1, mac_request("x"));
    desk.wait_for_replies(1);
    CHECK(stranger.served() == 0);
}

TEST_CASE("a switch works the same over TCP") {
    HsmServer server;
    Issuer issuer;
    StackOptions options;
    options.issuer_port = issuer.port();
    options.hsm = [&](acquirer::Reactor& reactor, acquirer::Log& log, acquirer::WallClock& clock) {
        HsmClientSetup setup;
        setup.addresses = {{"127.0.0.1", server.port()}};
        return std::make_unique<HsmClient>(reactor, log, clock, setup);
    };
    Stack stack(options);
    REQUIRE(stack.wait_for_metric("hsm_available", 1));
    REQUIRE(stack.wait_for_metric("issuer_connections_signed_on{route=\"issuer-a\"}", 2));
    TerminalAt terminal(stack.unionpay(), peers::TerminalProfile::unionpay_pos);
    terminal.sign_on();
    const iso8583::Pan card = *iso8583::Pan::parse(card_of_issuer_a);
    peers::SaleOptions with_pin;
    with_pin.pin = "1234";
    const auto sale = terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now(), with_pin));
    REQUIRE(sale.code.str() == "00");
    CHECK(terminal.ask(terminal.model().refund(*sale.receipt, 2'500, TerminalAt::now())).code.str() == "00");
    CHECK(server.served() > 4);
    server.stop();
    REQUIRE(stack.wait_for_metric("hsm_available", 0));
    CHECK(stack.stop() == 0);
}

TEST_CASE("a switch survives an HSM that is wrong, silent or gone, and works when it is back") {
    HsmServer server;
    Issuer issuer;
    StackOptions options;
    options.issuer_port = issuer.port();
    options.hsm = [&](acquirer::Reactor& reactor, acquirer::Log& log, acquirer::WallClock& clock) {
        HsmClientSetup setup;
        setup.addresses = {{"127.0.0.1", server.port()}};
        setup.reply_timeout_ms = 200;
        setup.reconnect_first_ms = 10;
        setup.reconnect_longest_ms = 50;
        return std::make_unique<HsmClient>(reactor, log, clock, setup);
    };
    Stack stack(options);
    const auto wait_until_ready = [&] {
        REQUIRE(stack.wait_for_metric("hsm_available", 1));
        REQUIRE(stack.wait_for_metric("issuer_connections_signed_on{route=\"issuer-a\"}", 2));
    };
    wait_until_ready();
    const iso8583::Pan card = *iso8583::Pan::parse(card_of_issuer_a);
    std::uint32_t number = 1;
    for (const Manner manner : {Manner::more_than_the_code, Manner::cut_short, Manner::other_header,
                                Manner::garbage, Manner::internal, Manner::mute}) {
        INFO("manner " << static_cast<int>(manner));
        TerminalAt terminal(stack.unionpay(), peers::TerminalProfile::unionpay_pos, number++);
        terminal.sign_on();
        const std::int64_t before = issuer.requests();
        server.behave(manner);
        // Not verified, so answered 96 without a MAC, and nothing was sent.
        CHECK(terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now(), {})).code.str() == "96");
        CHECK(issuer.requests() == before);
        server.behave(Manner::right);
        wait_until_ready();
        CHECK(terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now(), {})).code.str() == "00");
    }
    // MACs are made and verified, PINs are not translated: 96 after the time-out, and nothing sent.
    TerminalAt terminal(stack.unionpay(), peers::TerminalProfile::unionpay_pos, number);
    terminal.sign_on();
    peers::SaleOptions with_pin;
    with_pin.pin = "1234";
    for (const Manner manner : {Manner::mute, Manner::disabled, Manner::internal, Manner::cut_short}) {
        INFO("PINs, manner " << static_cast<int>(manner));
        const std::int64_t before = issuer.requests();
        server.behave(manner, "CA");
        const auto refused = terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now(), with_pin));
        CHECK(refused.code.str() == "96");
        CHECK(issuer.requests() == before);
        server.behave(Manner::right);
        wait_until_ready();
        CHECK(terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now(), with_pin)).code.str() ==
              "00");
    }
    CHECK(stack.stop() == 0);
}
