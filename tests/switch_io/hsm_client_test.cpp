// The HSM over TCP: the same answers as embedded, from several servers, with failover and time-outs (R64).
#include "switch/io/hsm_client.hpp"

#include <catch2/catch.hpp>

#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/test_keys.hpp"
#include "tests/switch_io/stack.hpp"

using namespace io_test;
using acquirer::HsmClient;
using acquirer::HsmClientSetup;

namespace {

/// Host commands over the engine, on a port. `mute` answers health checks only.
class HsmServer {
  public:
    explicit HsmServer(bool mute = false, std::uint16_t port = 0, hsm::Lmk lmk = hsm::Lmk::test())
        : mute_(mute), engine_(std::move(lmk), random_), commands_(engine_, {}) {
        server_ = std::make_unique<Server>([this](Socket& socket) { serve(socket); }, port);
    }
    ~HsmServer() { server_->stop(); }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    [[nodiscard]] int served() const { return served_; }
    void stop() { server_->stop(); }

  private:
    void serve(Socket& socket) {
        std::string input;
        for (iso8583::Bytes bytes = socket.receive(); !bytes.empty(); bytes = socket.receive()) {
            input += iso8583::as_text(bytes);
            for (;;) {
                const hsm::FrameSplit split = hsm::split_frame(input);
                if (split.state != hsm::FrameSplit::State::frame) break;
                const std::string frame(split.frame);
                input.erase(0, split.bytes_used);
                const bool health = frame.substr(4, 2) == "NC";
                if (mute_ && !health) continue;
                std::optional<std::string> answer;
                {
                    const std::lock_guard lock(mutex_);
                    answer = commands_.execute(frame);
                }
                if (!answer) return;
                if (!health) ++served_;
                const std::string out = hsm::make_frame("", *answer);
                socket.send(out);
            }
        }
    }

    bool mute_;
    std::mutex mutex_;
    std::atomic<int> served_{0};
    hsm::OpensslRandom random_;
    hsm::HsmEngine engine_;
    hsm::HostCommands commands_;
    std::unique_ptr<Server> server_;
};

/// A client on a reactor that the test turns by hand.
struct Desk {
    explicit Desk(const std::vector<std::uint16_t>& ports, std::int32_t reply_timeout_ms = 1'000) {
        HsmClientSetup setup;
        for (const std::uint16_t port : ports) setup.addresses.push_back({"127.0.0.1", port});
        setup.connections = 2;
        setup.reply_timeout_ms = reply_timeout_ms;
        setup.health_every_ms = 50;
        setup.reconnect_first_ms = 10;
        setup.reconnect_longest_ms = 50;
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
    acquirer::WallClock clock{"Asia/Shanghai"};
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

TEST_CASE("nobody there: unavailable at once") {
    Desk desk({1});
    desk.ask(1, mac_request("x"));
    REQUIRE(desk.replies.size() == 1);
    CHECK(desk.replies[0].second.error() == hsm::HsmFault::unavailable);
}

TEST_CASE("an HSM that does not answer is unavailable after the time-out (R64)") {
    HsmServer server(true);
    Desk desk({server.port()}, 100);
    desk.run_until([&] { return desk.client->available(); });
    desk.ask(1, mac_request("x"));
    CHECK(desk.replies.empty());
    desk.wait_for_replies(1);
    CHECK(desk.replies[0].second.error() == hsm::HsmFault::unavailable);
    CHECK(desk.client->waiting() == 0);
}

TEST_CASE("what a lost HSM had in work goes to the next one, new questions too") {
    auto first = std::make_unique<HsmServer>(true);
    HsmServer second;
    Desk desk({first->port(), second.port()}, 5'000);
    desk.run_until([&] { return desk.client->usable_connections() == 4; });
    desk.ask(1, mac_request("to the first"));
    desk.run_a_while();
    CHECK(desk.replies.empty());
    CHECK(second.served() == 0);  // the first is preferred
    first.reset();
    desk.wait_for_replies(1);
    CHECK(desk.replies[0].second.has_value());
    desk.ask(2, mac_request("to the second"));
    desk.wait_for_replies(2);
    CHECK(desk.replies[1].second.has_value());
}

TEST_CASE("an HSM comes back") {
    auto server = std::make_unique<HsmServer>();
    const std::uint16_t port = server->port();
    Desk desk({port});
    desk.run_until([&] { return desk.client->available(); });
    server.reset();
    desk.run_until([&] { return !desk.client->available(); });
    CHECK_FALSE(desk.client->available());
    server = std::make_unique<HsmServer>(false, port);
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
    HsmServer stranger(false, port, hsm::Lmk(other));
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
