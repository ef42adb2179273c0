// refundctl as a program, against a socket that answers like the switch: what it sends, shows and returns.
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/run_program.hpp"

namespace {

/// A listening Unix socket that takes one connection, keeps its line and sends one answer.
class OneAnswer {
  public:
    explicit OneAnswer(std::string answer) : answer_(std::move(answer)) {
        char folder[] = "/tmp/refundctl_test_XXXXXX";
        REQUIRE(::mkdtemp(folder) != nullptr);
        folder_ = folder;
        path_ = folder_ + "/control.sock";
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path_.data(), path_.size());
        REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_, 1) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~OneAnswer() {
        ::shutdown(listener_, SHUT_RDWR);  // wakes accept() when nobody came
        thread_.join();
        ::close(listener_);
        ::unlink(path_.c_str());
        ::rmdir(folder_.c_str());
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    std::string line;  // read it after the client has ended

  private:
    void serve() {
        const int peer = ::accept(listener_, nullptr, nullptr);
        if (peer < 0) return;
        char c = 0;
        while (::recv(peer, &c, 1, 0) == 1 && c != '\n') line += c;
        ::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
        ::close(peer);
    }
    std::string answer_, folder_, path_;
    int listener_ = -1;
    std::thread thread_;
};

Ended run(const std::string& arguments) { return run_program("refundctl", arguments); }

}  // namespace

TEST_CASE("refundctl: sends one line and shows the answer") {
    OneAnswer peer(
        R"({"ok":true,"data":{"currency":"156","transactions":[{"rrn":"632500000001","amount":"100.00"}]}})"
        "\n");
    const Ended ended = run("--socket " + peer.path() + " find --rrn 632500000001 --limit 5");
    CHECK(ended.out == "currency  156\n\ntransactions\nRRN           AMOUNT\n632500000001  100.00\n");
    CHECK(ended.code == 0);
    CHECK(peer.line == R"({"command":"find","args":{"limit":"5","rrn":"632500000001"}})");
}

TEST_CASE("refundctl: global options may stand behind the command; --json is the line as it came") {
    const std::string answer = R"({"ok":true,"text":"case 1 is open","data":{"case":"632500000009"}})";
    OneAnswer peer(answer + "\n");
    const Ended ended =
        run("refund open --rrn 632500000001 --date 1121 --amount 60.00 --reason 'too small' --ref T1 --json "
            "--as maker1 --socket " +
            peer.path());
    CHECK(ended.out == answer + "\n");
    CHECK(ended.code == 0);
    CHECK(
        peer.line ==
        R"({"command":"refund open","args":{"amount":"60.00","date":"1121","reason":"too small","ref":"T1","rrn":"632500000001"},"as":"maker1"})");
}

TEST_CASE("refundctl: refused is 1, usage 2, unreachable 3") {
    {
        OneAnswer peer(R"({"ok":false,"error":"refused","text":"maker and checker must be two people"})"
                       "\n");
        const Ended ended = run("--socket " + peer.path() + " refund approve 632500000004");
        CHECK(ended.out == "refundctl: maker and checker must be two people\n");
        CHECK(ended.code == 1);
    }
    {
        OneAnswer peer(R"({"ok":false,"error":"usage","text":"there is no such command"})"
                       "\n");
        CHECK(run("--socket " + peer.path() + " status").code == 2);
    }
    {
        OneAnswer peer("");  // closes without a word
        const Ended ended = run("--socket " + peer.path() + " status");
        CHECK(ended.out == "refundctl: the switch closed the connection before it answered\n");
        CHECK(ended.code == 3);
    }
    {
        OneAnswer peer("hello\n");
        CHECK(run("--socket " + peer.path() + " status").code == 1);
    }
    CHECK(
        run("--socket /nonexistent/control.sock status").out ==
        "refundctl: the switch cannot be reached at /nonexistent/control.sock: No such file or directory\n");
    CHECK(run("--socket /nonexistent/control.sock status").code == 3);
    CHECK(run("").code == 2);
    CHECK(run("day").code == 2);     // a group without a list
    CHECK(run("refund").code == 3);  // its list
    CHECK(run("bogus").code == 2);
    CHECK(run("show").code == 2);
    CHECK(run("status extra").code == 2);
    CHECK(run("--timeout 0 status").code == 2);
    CHECK(run("--help").code == 0);
    CHECK(run("refund open --help").code == 0);
}

TEST_CASE("refundctl: --json tells of wrong usage and of a switch that is away on stdout") {
    const auto out_of = [](const std::string& arguments) { return run(arguments + " 2>/dev/null"); };
    struct Row {
        std::string arguments, error;
        int code;
    };
    const std::vector<Row> rows = {{"rotues", "usage", 2},
                                   {"status --nope", "usage", 2},
                                   {"show", "usage", 2},
                                   {"totals --by rout", "usage", 2},
                                   {"list --csv - --jsonl x", "usage", 2},
                                   {"day", "usage", 2},
                                   {"", "usage", 2},
                                   {"--socket /nonexistent/control.sock status", "unreachable", 3},
                                   {"--socket /nonexistent/control.sock routes", "unreachable", 3},
                                   {"--socket /nonexistent/control.sock watch --count 1", "unreachable", 3},
                                   {"--socket /nonexistent/control.sock refund list", "unreachable", 3}};
    for (const Row& row : rows) {
        INFO(row.arguments);
        const Ended ended = out_of("--json " + row.arguments);
        CHECK(ended.code == row.code);
        CHECK(ended.out.starts_with("{\"ok\":false,\"error\":\"" + row.error + "\",\"text\":\""));
        CHECK(ended.out.find('\n') == ended.out.size() - 1);
    }
    OneAnswer peer("hello\n");
    CHECK(out_of("--socket " + peer.path() + " --json status")
              .out.starts_with(R"({"ok":false,"error":"unreadable",)"));
}

TEST_CASE("refundctl: an ill-formed argument is refused before anything is sent") {
    OneAnswer peer("{}\n");
    const Ended ended =
        run("--socket " + peer.path() + " refund check --rrn 632500000001 --date 1121 --amount 60,00");
    CHECK(ended.out == "refundctl: amount: needs an amount in major units, as 60 or 60.00\n");
    CHECK(ended.code == 2);
    CHECK(peer.line.empty());
}

TEST_CASE("refundctl: a receipt is a slip") {
    OneAnswer peer(
        R"({"ok":true,"data":{"lang":"zh","merchant_name":"Harbour","merchant":"898110157220001",)"
        R"("kind":"refund","amount":"60.00","currency":"156","currency_letters":"CNY","rrn":"632500000002",)"
        R"("time":"t","head":"拒绝","status":"refused","status_words":"未发送"}})"
        "\n");
    const Ended ended = run("--socket " + peer.path() + " receipt 632500000002 --lang zh");
    CHECK(ended.code == 0);
    CHECK(peer.line.find(R"("lang":"zh")") != std::string::npos);
    CHECK(ended.out.find("金额                           CNY 60.00\n") != std::string::npos);
    CHECK(ended.out.find("*** 拒绝 ***\n") != std::string::npos);
}

TEST_CASE("refundctl: a slip in a language that there is not") {
    OneAnswer peer("{}\n");
    const Ended ended = run("--socket " + peer.path() + " receipt 632500000002 --lang fr");
    CHECK(ended.code == 2);
    CHECK(ended.out.find("lang: ") != std::string::npos);
    CHECK(peer.line.empty());
}
