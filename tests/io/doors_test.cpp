// The doors beside the terminals': operators' socket and HTTP.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <thread>

#include "switch/io/log.hpp"
#include "tests/io/stack.hpp"

using namespace io_test;
using acquirer::ControlAnswer;
using acquirer::ControlDecision;
using acquirer::ControlRead;
using acquirer::ControlRequest;
using acquirer::ControlView;
using acquirer::ShellBounds;

namespace {

std::size_t keys_in(const ledger::StoreReader& store) {
    std::size_t count = 0;
    const auto counted = store.scan(ledger::Family::index, "", "", [&](std::string_view, std::string_view) {
        ++count;
        return true;
    });
    REQUIRE(counted);
    return count;
}

/// "now …" is answered at once, "read …" on the worker, "change" goes through the core; "keys" counts those
/// of the index, "hold" those of the view that its connection holds.
class Handler final : public acquirer::ControlHandler {
  public:
    ControlDecision decide(const ControlRequest& request) override {
        uid = request.uid;
        if (request.line.rfind("now", 0) == 0) return ControlAnswer{"did " + request.line};
        if (request.line.rfind("change", 0) == 0) {
            acquirer::OperatorCommanded event;
            event.user = "checker1";
            event.role = acquirer::Role::supervisor;
            event.command =
                acquirer::ChangeMerchant{"898110157220002", acquirer::ChangeMerchant::To::suspend};
            return acquirer::ControlChange{event, [](const acquirer::OperatorAnswer& answer) {
                                               return std::string(answer.done ? "done" : "refused");
                                           }};
        }
        if (request.line == "throw")
            return ControlRead{
                [](const ControlView&) -> std::string { throw std::runtime_error("a library's words"); }};
        if (request.line == "long")
            return ControlRead{[this](const ControlView&) {
                                   long_begun = true;
                                   while (!let_long_end) std::this_thread::yield();
                                   return std::string("long done");
                               },
                               false, true};
        if (request.line == "keys" || request.line == "hold")
            return ControlRead{[](const ControlView& view) { return std::to_string(keys_in(*view.store)); },
                               request.line == "hold"};
        return ControlRead{[line = request.line](const ControlView& view) {
            return line + " version " + std::to_string(view.configuration->version);
        }};
    }
    std::string refuse(const std::string& why) override { return "no: " + why; }
    std::atomic<std::uint32_t> uid{0};
    std::atomic<bool> long_begun{false}, let_long_end{false};
};

struct Desk {
    explicit Desk(const std::function<void(ShellBounds&)>& change = {}) {
        options.issuer_port = 1;
        options.control = &handler;
        options.control_path = "/tmp/switch_io_test." + std::to_string(::getpid()) + ".sock";
        options.bounds.control_line_bytes_max = 1'000;
        options.bounds.control_connections_max = 2;
        options.bounds.http_request_timeout_ms = 300;
        if (change) change(options.bounds);
        stack = std::make_unique<Stack>(options);
    }
    Handler handler;
    StackOptions options;
    std::unique_ptr<Stack> stack;
};

}  // namespace

TEST_CASE("the operators' socket: its owner's alone, one line each way, in order") {
    Desk desk;
    struct stat file {};
    REQUIRE(::stat(desk.stack->at().control.c_str(), &file) == 0);
    CHECK((file.st_mode & 0777) == 0600);

    Socket socket = Socket::connect(desk.stack->at().control);
    socket.send("now 1\nread 2\nnow 3\nchange 4\n\r\nread 5\n");
    CHECK(socket.receive_line() == "did now 1");
    CHECK(socket.receive_line() == "read 2 version 1");
    CHECK(socket.receive_line() == "did now 3");
    CHECK(socket.receive_line() == "done");
    CHECK(socket.receive_line() == "read 5 version 1");
    CHECK(desk.handler.uid == ::getuid());

    SECTION("a line in pieces") {
        socket.send("now in ");
        socket.send("pieces");
        socket.send("\n");
        CHECK(socket.receive_line() == "did now in pieces");
    }
    SECTION("what a library throws is answered") {
        socket.send("throw\nnow\n");
        CHECK(socket.receive_line() == "no: a library's words");
        CHECK(socket.receive_line() == "did now");
    }
    SECTION("too long a line ends the connection with a reason") {
        socket.send(std::string(2'000, 'x'));
        CHECK(socket.receive_line().find("1000 bytes") != std::string::npos);
        CHECK(socket.receive().empty());
    }
    SECTION("one connection too many") {
        Socket second = Socket::connect(desk.stack->at().control);
        second.send("now\n");
        CHECK(second.receive_line() == "did now");
        Socket third = Socket::connect(desk.stack->at().control);
        CHECK(third.receive().empty());
    }
    SECTION("a script that sends its lines and shuts down still gets the answers") {
        socket.send("read 1\nchange 2\nnow 3\n");
        socket.finish_sending();
        CHECK(socket.receive_line() == "read 1 version 1");
        CHECK(socket.receive_line() == "done");
        CHECK(socket.receive_line() == "did now 3");
        CHECK(socket.receive().empty());
    }
    SECTION("an operator who has gone stops nobody") {
        Socket other = Socket::connect(desk.stack->at().control);
        other.send("read 1\nread 2\n");
        other.close();
        socket.send("now\n");
        CHECK(socket.receive_line() == "did now");
    }
    CHECK(desk.stack->stop() == 0);
    CHECK(::stat(desk.options.control_path.c_str(), &file) != 0);
}

TEST_CASE("the operators' socket: pages of a held view are of one moment, whatever changes meanwhile") {
    Desk desk([](ShellBounds& bounds) { bounds.control_snapshots_max = 1; });
    const auto ask = [](Socket& socket, const std::string& line) {
        socket.send(line + "\n");
        return socket.receive_line();
    };
    Socket pages = Socket::connect(desk.stack->at().control);
    const std::string before = ask(pages, "hold");
    CHECK(ask(pages, "change") == "done");
    CHECK(ask(pages, "hold") == before);
    CHECK(ask(pages, "keys") != before);
    // As many as allowed hold one: the next waits for its turn, and other reads do not.
    Socket other = Socket::connect(desk.stack->at().control);
    CHECK(ask(other, "hold") == "no: as many long lists as allowed (1) are being read: try again later");
    CHECK(ask(other, "keys") != before);
    // A reader that dies gives it back.
    pages.close();
    std::string now = ask(other, "hold");
    while (now.starts_with("no: ")) now = ask(other, "hold");
    CHECK(now != before);
    CHECK(desk.stack->stop() == 0);
}

TEST_CASE("the operators' socket: short reads do not wait for a long one") {
    Desk desk;
    Socket patient = Socket::connect(desk.stack->at().control);
    patient.send("long\n");
    while (!desk.handler.long_begun) std::this_thread::yield();
    Socket socket = Socket::connect(desk.stack->at().control);
    socket.send("read 1\nread 2\n");
    CHECK(socket.receive_line() == "read 1 version 1");
    CHECK(socket.receive_line() == "read 2 version 1");
    desk.handler.let_long_end = true;
    CHECK(patient.receive_line() == "long done");
    CHECK(desk.stack->stop() == 0);
}

TEST_CASE("the operators' socket: a view that is held too long is taken back, and its next page refused") {
    const bool by_age = GENERATE(false, true);
    Desk desk([by_age](ShellBounds& bounds) {
        bounds.control_snapshots_max = 1;
        bounds.control_snapshot_idle_ms_max = by_age ? 60'000 : 50;
        bounds.control_snapshot_ms_max = by_age ? 50 : 60'000;
    });
    const auto ask = [](Socket& socket, const std::string& line) {
        socket.send(line + "\n");
        return socket.receive_line();
    };
    Socket pages = Socket::connect(desk.stack->at().control);
    CHECK_FALSE(ask(pages, "hold").starts_with("no: "));
    Socket other = Socket::connect(desk.stack->at().control);
    while (ask(other, "hold").starts_with("no: ")) continue;  // until the first one's is taken back
    CHECK(ask(pages, "hold").starts_with("no: the snapshot of this list was taken back"));
    CHECK_FALSE(ask(pages, "keys").starts_with("no: "));
    CHECK(desk.stack->stop() == 0);
}

TEST_CASE("the operators' socket: who asks nothing for long is closed, who waits for an answer is not") {
    Desk desk([](ShellBounds& bounds) { bounds.control_idle_ms_max = 60; });
    Socket waits = Socket::connect(desk.stack->at().control);
    waits.send("long\n");
    while (!desk.handler.long_begun) std::this_thread::yield();
    Socket idle = Socket::connect(desk.stack->at().control);
    CHECK(idle.receive().empty());
    desk.handler.let_long_end = true;
    CHECK(waits.receive_line() == "long done");
    CHECK(waits.receive().empty());
    CHECK(desk.stack->stop() == 0);
}

TEST_CASE("HTTP: idle connections do not shut monitoring out") {
    Desk desk([](ShellBounds& bounds) {
        bounds.http_connections_max = 2;
        bounds.http_request_timeout_ms = 60'000;
    });
    std::vector<Socket> idle;
    for (int i = 0; i < 2; ++i) idle.push_back(Socket::connect(desk.stack->at().metrics));
    CHECK(desk.stack->http("/readyz").rfind("HTTP/1.1 200", 0) == 0);
    CHECK(idle[0].receive().empty());
    CHECK(desk.stack->stop() == 0);
}

TEST_CASE("HTTP: metrics, health, readiness, and nothing else") {
    Desk desk;
    const Stack& stack = *desk.stack;
    struct Row {
        const char* method;
        const char* target;
        const char* status;
        const char* contains;
    };
    const Row rows[] = {
        {"GET", "/healthz", "200", "ok"},
        {"GET", "/readyz", "200", "ready"},
        {"GET", "/metrics", "200", "refund_switch_terminal_links 0"},
        {"GET", "/metrics?x=1", "200", "refund_switch_sync_seconds_count"},
        {"HEAD", "/healthz", "200", "Content-Length: 3"},
        {"GET", "/", "404", "/metrics"},
        {"POST", "/metrics", "405", "GET"},
    };
    for (const Row& row : rows) {
        INFO(row.method << " " << row.target);
        const std::string answer = stack.http(row.target, row.method);
        CHECK(answer.rfind(std::string("HTTP/1.1 ") + row.status, 0) == 0);
        CHECK(answer.find(row.contains) != std::string::npos);
    }
    SECTION("no HTTP") {
        Socket socket = Socket::connect(stack.at().metrics);
        socket.send("\x16\x03\x01\x02 nonsense\r\n\r\n");
        CHECK(socket.receive_all().find("400") != std::string::npos);
    }
    SECTION("an endless header") {
        Socket socket = Socket::connect(stack.at().metrics);
        socket.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
        CHECK(socket.receive_all().rfind("HTTP/1.1 4", 0) == 0);
    }
    SECTION("a client that says nothing") {
        Socket socket = Socket::connect(stack.at().metrics);
        CHECK(socket.receive_all().empty());
    }
}

TEST_CASE("a log line is JSON whatever is in it") {
    struct Row {
        const char* text;
        const char* escaped;
    };
    const Row rows[] = {{"plain", "plain"},
                        {"a \"quoted\" \\ word", "a \\\"quoted\\\" \\\\ word"},
                        {"line\nfeed\t", "line\\u000afeed\\u0009"},
                        {"\x7f\xff", "\\u007f\\u00ff"}};
    for (const Row& row : rows) {
        std::string out;
        acquirer::append_json_escaped(out, row.text);
        CHECK(out == row.escaped);
    }
}

TEST_CASE("reconnecting waits longer each time, up to a bound, and not in step") {
    using acquirer::reconnect_delay_ms;
    for (std::uint32_t attempt = 1; attempt < 40; ++attempt) {
        const std::int32_t full = std::min(30'000, 500 << std::min(attempt - 1, 10U));
        for (std::uint64_t salt = 0; salt < 10; ++salt) {
            const std::int32_t delay = reconnect_delay_ms(500, 30'000, attempt, salt);
            CHECK(delay <= full);
            CHECK(delay >= full - full / 4 - 1);
        }
    }
    CHECK(reconnect_delay_ms(500, 30'000, 5, 1) != reconnect_delay_ms(500, 30'000, 5, 2));
}
