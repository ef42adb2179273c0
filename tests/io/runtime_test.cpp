// The shell end to end: real sockets, real sessions and core, models as peers.
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <set>

#include "tests/io/record_channel.hpp"
#include "tests/io/stack.hpp"

using namespace io_test;
using peers::Outcome;
using peers::Outgoing;
using peers::TerminalProfile;

namespace {

const iso8583::Pan card = *iso8583::Pan::parse(card_of_issuer_a);

StackOptions with(const Issuer& issuer) {
    StackOptions options;
    options.issuer_port = issuer.port();
    return options;
}
constexpr const char* signed_on = "issuer_connections_signed_on{route=\"issuer-a\"}";

}  // namespace

TEST_CASE("a sale and its refunds over both profiles") {
    Issuer issuer;
    Stack stack(with(issuer));
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    const auto profile = GENERATE(TerminalProfile::unionpay_pos, TerminalProfile::iso87_ascii);
    const bool unionpay = profile == TerminalProfile::unionpay_pos;
    TerminalAt terminal(unionpay ? stack.unionpay() : stack.iso(), profile);
    if (unionpay) terminal.sign_on();

    const Outcome sale = terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now()));
    REQUIRE(sale.code.str() == "00");
    REQUIRE(sale.receipt);
    CHECK(sale.has_mac);
    const Outgoing part = terminal.model().refund(*sale.receipt, 4'000, TerminalAt::now());
    const Outcome refunded = terminal.ask(part);
    CHECK(refunded.code.str() == "00");
    CHECK(terminal.ask(terminal.model().again(part)).code.str() == "00");  // R20: the stored answer
    CHECK(terminal.ask(terminal.model().refund(*sale.receipt, 6'001, TerminalAt::now())).code.str() == "64");
    CHECK(terminal.ask(terminal.model().refund(*sale.receipt, 6'000, TerminalAt::now())).code.str() == "00");
    CHECK(stack.stop() == 0);
}

TEST_CASE("a link that is down is tried again until it stands (R52)") {
    std::uint16_t port = 0;
    {
        Issuer issuer;
        port = issuer.port();
    }
    StackOptions options;
    options.issuer_port = port;
    Stack stack(options);
    TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
    CHECK(terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now())).code.str() == "91");
    Issuer issuer(port);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    CHECK(terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now())).code.str() == "00");
    issuer.stop();
    CHECK(stack.stop() == 0);
}

TEST_CASE("many requests at once share syncs and keep their answers apart") {
    Issuer issuer;
    Stack stack(with(issuer));
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    constexpr std::uint32_t terminals_count = 20;
    constexpr std::int64_t sales_each = 10;
    std::vector<std::unique_ptr<TerminalAt>> terminals;
    for (std::uint32_t i = 1; i <= terminals_count; ++i)
        terminals.push_back(std::make_unique<TerminalAt>(stack.iso(), TerminalProfile::iso87_ascii, i));
    const int syncs_before = stack.store().syncs();
    for (std::int64_t n = 1; n <= sales_each; ++n) {
        std::vector<Outgoing> sent;
        for (auto& terminal : terminals) {
            sent.push_back(terminal->model().sale(card, 100 * n, TerminalAt::now()));
            terminal->send(sent.back());
        }
        for (std::size_t i = 0; i < terminals.size(); ++i) {
            const Outcome outcome = terminals[i]->receive(sent[i]);
            REQUIRE(outcome.code.str() == "00");
            REQUIRE(outcome.receipt->amount == 100 * n);
        }
    }
    // Each sale is written twice or more (intent, outcome); alone each would cost a sync every time.
    CHECK(stack.store().syncs() - syncs_before < static_cast<int>(terminals_count * sales_each * 2));
    CHECK(issuer.requests() == terminals_count * sales_each);
    CHECK(stack.stop() == 0);
}

TEST_CASE("stopping waits for what is in flight and takes nothing new (SIGTERM)") {
    Issuer issuer;
    StackOptions options = with(issuer);
    options.issuer_reply_timeout_ms = 1'000;
    Stack stack(options);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
    const Outgoing sale = terminal.model().sale(card, 9'968, TerminalAt::now());  // the issuer stays silent
    terminal.send(sale);
    REQUIRE(stack.wait_for_metric("pending", 1));
    // Assertions are made on one thread only.
    int exit_code = -1;
    std::thread stopping([&] { exit_code = stack.stop(); });
    // R50: silent issuer, the terminal is told so before the switch ends.
    CHECK(terminal.receive(sale).code.str() == "68");
    stopping.join();
    CHECK(exit_code == 0);
    CHECK_THROWS(Socket::connect(stack.iso()));
}

TEST_CASE("a sync that fails lets no effect leave and ends the process with 1 (R62)") {
    Issuer issuer;
    Stack stack(with(issuer));
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
    REQUIRE(terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now())).code.str() == "00");
    const std::int64_t asked = issuer.requests();
    stack.store().fail_next_sync();
    terminal.send(terminal.model().sale(card, 20'000, TerminalAt::now()));
    CHECK(stack.wait() == 1);
    CHECK(issuer.requests() == asked);  // the intent was not durable: nothing went to the issuer
}

TEST_CASE("a store that takes no new work is heard of and recovers") {
    Issuer issuer;
    StackOptions options = with(issuer);
    options.bounds.store_poll_ms = 10;
    Stack stack(options);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
    stack.store().set_health({false, "the disk is nearly full", 0, 0});
    std::string code;
    for (int i = 0; i < 1'000 && code != "96"; ++i)
        code = terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now())).code.str();
    CHECK(code == "96");
    const std::string refused = stack.http("/readyz");
    CHECK(refused.rfind("HTTP/1.1 503", 0) == 0);
    CHECK(refused.find("\r\n\r\nthe store takes no new work: the disk is nearly full\n") !=
          std::string::npos);
    stack.store().set_health({true, "", 0, 0});
    for (int i = 0; i < 1'000 && code != "00"; ++i)
        code = terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now())).code.str();
    CHECK(code == "00");
    CHECK(stack.http("/readyz").rfind("HTTP/1.1 200", 0) == 0);
}

TEST_CASE("a full inbox stops reading terminals and loses nothing") {
    Issuer issuer;
    StackOptions options = with(issuer);
    options.bounds.request_inbox_max = 1;
    Stack stack(options);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    std::vector<std::unique_ptr<TerminalAt>> terminals;
    std::vector<std::vector<Outgoing>> sent;
    for (std::uint32_t i = 1; i <= 10; ++i) {
        terminals.push_back(std::make_unique<TerminalAt>(stack.iso(), TerminalProfile::iso87_ascii, i));
        sent.emplace_back();
        iso8583::Bytes burst;
        for (int n = 0; n < 20; ++n) {
            sent.back().push_back(terminals.back()->model().sale(card, 100 + n, TerminalAt::now()));
            burst.insert(burst.end(), sent.back().back().frame.begin(), sent.back().back().frame.end());
        }
        terminals.back()->socket().send(burst);
    }
    for (std::size_t i = 0; i < terminals.size(); ++i) {
        std::multiset<std::string> answered;
        for (int n = 0; n < 20; ++n) {
            const auto read = terminals[i]->next_frame();
            const auto address = peers::Terminal::address(terminals[i]->model().dialect(), read);
            REQUIRE(address);
            answered.insert(address->stan.str());
        }
        for (const Outgoing& request : sent[i]) CHECK(answered.count(request.stan.str()) == 1);
    }
}

TEST_CASE("strangers: bounds on connections and on nonsense") {
    StackOptions options;
    options.issuer_port = 1;
    options.bounds.terminal_links_max = 3;
    options.bounds.links_per_address_percent_max = 100;
    options.terminal_limits.input.half_frame_timeout_ms = 200;
    Stack stack(options);
    SECTION("one connection too many: the oldest on which no MAC has verified makes room") {
        std::vector<Socket> sockets;
        for (int i = 0; i < 3; ++i) sockets.push_back(Socket::connect(stack.iso()));
        REQUIRE(stack.wait_for_metric("terminal_links", 3));
        TerminalAt terminal(stack.unionpay(), TerminalProfile::unionpay_pos);
        CHECK(sockets[0].receive().empty());
        CHECK(terminal.ask(terminal.model().echo(TerminalAt::now())).code.str() == "00");
        CHECK(stack.metric("terminal_links_evicted_total") == 1);
        CHECK(stack.metric("terminal_links") == 3);
    }
    SECTION("as many verified terminals as there are places: the next one is refused, and it is said") {
        std::vector<std::unique_ptr<TerminalAt>> terminals;
        for (std::uint32_t i = 1; i <= 3; ++i) {
            terminals.push_back(std::make_unique<TerminalAt>(stack.iso(), TerminalProfile::iso87_ascii, i));
            TerminalAt& t = *terminals.back();
            CHECK(stack.http("/readyz").find("ready") != std::string::npos);
            CHECK_FALSE(t.ask(t.model().sale(card, 10'000, TerminalAt::now())).code.str().empty());
        }
        CHECK(stack.metric("terminal_links_unverified") == 0);
        CHECK(stack.http("/readyz").find("all places for terminal connections are taken") !=
              std::string::npos);
        Socket fourth = Socket::connect(stack.unionpay());
        CHECK(fourth.receive().empty());
        CHECK(stack.metric("terminal_links_rejected_total") == 1);
        terminals.pop_back();
        std::string ready;
        for (int i = 0; i < 1'000 && ready.rfind("HTTP/1.1 200", 0) != 0; ++i) ready = stack.http("/readyz");
        CHECK(ready.rfind("HTTP/1.1 200", 0) == 0);
    }
    SECTION("no frame") {
        Socket socket = Socket::connect(stack.unionpay());
        socket.send("GET / HTTP/1.1\r\n\r\n");
        CHECK(socket.receive_all().empty());
    }
    SECTION("half a frame") {
        Socket socket = Socket::connect(stack.iso());
        const iso8583::Bytes begun{0x00, 0x50, '0', '2'};
        socket.send(begun);
        CHECK(socket.receive_all().empty());
    }
}

TEST_CASE("a peer that sends and does not read is closed at a bound") {
    StackOptions options;
    options.issuer_port = 1;
    options.terminal_limits.outbox_bytes_max = 64 * 1024;
    Stack stack(options);
    TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
    const int small = 4'096;
    ::setsockopt(terminal.socket().fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    iso8583::Bytes burst;
    for (int i = 0; i < 500; ++i) {
        const Outgoing echo = terminal.model().echo(TerminalAt::now());
        burst.insert(burst.end(), echo.frame.begin(), echo.frame.end());
    }
    // The kernel's buffers take some megabytes first; then sending fails, because the switch has closed.
    bool closed = false;
    for (int i = 0; i < 2'000 && !closed; ++i) {
        try {
            terminal.socket().send(burst);
        } catch (const std::runtime_error&) {
            closed = true;
        }
    }
    CHECK(closed);
    REQUIRE(stack.wait_for_metric("terminal_links_accepted_total", 1));
    CHECK(stack.metric("terminal_links") == 0);
}

TEST_CASE("a half-closed terminal still gets the answers it waits for, then its connection ends") {
    Issuer issuer;
    StackOptions options = with(issuer);
    options.issuer_reply_timeout_ms = 500;
    SECTION("one that comes at once, one that comes when the issuer's time is up") {
        Stack stack(options);
        REQUIRE(stack.wait_for_metric(signed_on, 2));
        TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
        const Outgoing silent = terminal.model().sale(card, 9'968, TerminalAt::now());
        const Outgoing sale = terminal.model().sale(card, 10'000, TerminalAt::now());
        terminal.send(silent);
        terminal.send(sale);
        terminal.socket().finish_sending();
        CHECK(terminal.receive(sale).code.str() == "00");
        CHECK(terminal.receive(silent).code.str() == "68");
        CHECK(terminal.socket().receive().empty());
        CHECK(stack.stop() == 0);
    }
    SECTION("while requests wait in the sockets because the inbox is full") {
        options.bounds.request_inbox_max = 1;
        Stack stack(options);
        REQUIRE(stack.wait_for_metric(signed_on, 2));
        TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
        iso8583::Bytes burst;
        for (int n = 0; n < 20; ++n) {
            const Outgoing sale = terminal.model().sale(card, 100 + n, TerminalAt::now());
            burst.insert(burst.end(), sale.frame.begin(), sale.frame.end());
        }
        terminal.socket().send(burst);
        terminal.socket().finish_sending();
        for (int n = 0; n < 20; ++n) CHECK_FALSE(terminal.next_frame().body.empty());
        CHECK(terminal.socket().receive().empty());
    }
    SECTION("no answer comes: it is not waited for longer than a request is remembered") {
        options.issuer_reply_timeout_ms = 3'000;  // the end of the test waits for it
        options.terminal_limits.request_forgotten_ms = 300;
        Stack stack(options);
        REQUIRE(stack.wait_for_metric(signed_on, 2));
        TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
        terminal.send(terminal.model().sale(card, 9'968, TerminalAt::now()));
        REQUIRE(stack.wait_for_metric("pending", 1));
        terminal.socket().finish_sending();
        CHECK(terminal.socket().receive().empty());
        REQUIRE(stack.wait_for_metric("terminal_links_accepted_total", 1));
        CHECK(stack.metric("terminal_links") == 0);
    }
    SECTION("it waits for nothing: closed at once") {
        Stack stack(options);
        TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
        CHECK(terminal.ask(terminal.model().echo(TerminalAt::now())).code.str() == "00");
        terminal.socket().finish_sending();
        CHECK(terminal.socket().receive().empty());
    }
}

TEST_CASE("a switch works the same when all its links run through a channel with a handshake") {
    Issuer issuer(0, records(Side::server));
    StackOptions options = with(issuer);
    options.terminal_channel = records(Side::server);
    options.issuer_channel = records(Side::client);
    Stack stack(options);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt terminal(stack.unionpay(), TerminalProfile::unionpay_pos);
    terminal.socket().under(records(Side::client));
    terminal.sign_on();
    const Outcome sale = terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now()));
    REQUIRE(sale.code.str() == "00");
    const Outgoing refund = terminal.model().refund(*sale.receipt, 4'000, TerminalAt::now());
    terminal.send(refund);
    terminal.socket().finish_sending();  // the farewell: no more is asked, the answer is still wanted
    CHECK(terminal.receive(refund).code.str() == "00");
    CHECK(terminal.socket().receive().empty());
    SECTION("who speaks without the channel is not heard") {
        TerminalAt stranger(stack.unionpay(), TerminalProfile::unionpay_pos, 2);
        stranger.send(stranger.model().sign_on(TerminalAt::now()));
        const std::string back = stranger.socket().receive_all();
        CHECK(back.size() == 3);  // an alert and nothing else
    }
    CHECK(stack.stop() == 0);
}

TEST_CASE("reload: a new configuration is decided by from the next request on (SIGHUP)") {
    Issuer issuer;
    StackOptions options = with(issuer);
    options.reload = [](const acquirer::ConfigurationPtr& running) {
        auto fresh = std::make_shared<acquirer::Configuration>(*running);
        fresh->version = running->version + 1;
        fresh->merchants.at(*iso8583::MerchantId::parse("898110157220002")).refund_enabled = false;
        fresh->merchants.at(*iso8583::MerchantId::parse("898110157220002")).suspended = true;
        return fresh;
    };
    Stack stack(options);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
    REQUIRE(terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now())).code.str() == "00");
    ::raise(SIGHUP);
    REQUIRE(stack.wait_for_metric("config_version", 2));
    CHECK(terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now())).code.str() == "03");
}
