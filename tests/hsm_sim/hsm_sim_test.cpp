// hsm-sim as a process: bounds, order of answers, stopping, monitoring, the audit, what is left in its memory
// and log.
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "hsm_sim/audit_chain.hpp"
#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/payshield.hpp"
#include "hsm_sim/test_keys.hpp"
#include "tests/hsm_sim/hsm_process.hpp"
#include "tests/test_paths.hpp"

using namespace hsm;
using hsm::testing::Connection;
using hsm::testing::fresh_path;
using hsm::testing::HsmProcess;

namespace {

const std::string tak(test_keys::tak);
const std::string tmk(test_keys::tmk);

/// Reads until the peer closes.
std::string read_all(const Connection& connection) {
    std::string out;
    for (;;) {
        const std::string more = connection.receive();
        if (more.empty()) return out;
        out += more;
    }
}

std::string http_get(std::uint16_t port, const std::string& path) {
    const Connection connection(port);
    connection.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return read_all(connection);
}

/// Runs a program of bin/ with stdin; its exit code and stdout.
std::pair<int, std::string> run_tool(const std::string& arguments, const std::string& input) {
    const std::string in = fresh_path("in");
    std::ofstream(in) << input;
    FILE* pipe = ::popen((program_path("hsm-sim") + " " + arguments + " < " + in + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    std::array<char, 256> part{};
    while (std::fgets(part.data(), part.size(), pipe) != nullptr) out += part.data();
    const int status = ::pclose(pipe);
    ::unlink(in.c_str());
    return {WEXITSTATUS(status), out};
}

}  // namespace

TEST_CASE("the ready line, and SIGTERM answers what was asked before it ends with 0") {
    HsmProcess hsm({});
    CHECK(hsm.ready_line().substr(0, 20) == "ready hsm=127.0.0.1:");
    Connection connection(hsm.port());
    CHECK(connection.exchange("0001B20003abc") == "0001B300abc");
    hsm.signal(SIGTERM);
    CHECK(read_all(connection).empty());
    CHECK(hsm.wait() == 0);
    const std::string log = hsm.log();
    CHECK(log.find("\"event\":\"test_lmk\"") != std::string::npos);
    CHECK(log.find("\"event\":\"stopped\"") != std::string::npos);
}

TEST_CASE("several commands in flight on a connection are answered in order, however they are cut") {
    HsmProcess hsm({});
    Connection connection(hsm.port());
    std::string out;
    std::string expected;
    for (int i = 0; i < 500; ++i) {
        const std::string number = std::to_string(1000 + i);
        out += make_frame(number, "B20004" + number);
        expected += make_frame(number, "B300" + number);
    }
    std::thread sender([&] {
        for (std::size_t at = 0; at < out.size(); at += 37)
            connection.send(std::string_view(out).substr(at, 37));
    });
    std::string in;
    while (in.size() < expected.size()) in += connection.receive();
    sender.join();
    CHECK(in == expected);
}

TEST_CASE("frames at and past their bounds") {
    HsmProcess hsm({"--frame-seconds", "1"});
    {
        Connection largest(hsm.port());
        const std::string data(host_frame_bytes_max - 4 - 2 - 4, 'x');
        std::array<char, 5> length{};
        std::snprintf(length.data(), length.size(), "%04zX", data.size());
        const std::string answer = largest.exchange("0001B2" + std::string(length.data()) + data);
        CHECK(answer == "0001B300" + data);
    }
    struct Row {
        std::string_view why;
        std::string bytes;
    };
    const Row rows[] = {{"longer than the bound", std::string("\x80\x01", 2)},
                        {"no room for a command", std::string("\x00\x05", 2) + "0001N"},
                        {"empty", std::string("\x00\x00", 2)},
                        {"half a frame and then silence", std::string("\x00\x10", 2) + "0001"}};
    for (const Row& row : rows) {
        INFO(row.why);
        const Connection connection(hsm.port());
        connection.send(row.bytes);
        CHECK(read_all(connection).empty());
    }
    // The others are served all the while.
    CHECK(Connection(hsm.port()).exchange("0001B20001x") == "0001B300x");
}

TEST_CASE("who is idle, or does not read his answers, is sent away when the time for it is over") {
    HsmProcess hsm({"--frame-seconds", "1", "--idle-seconds", "1", "--connections", "2"});
    {
        Connection idle(hsm.port());
        CHECK(idle.exchange("0001B20001x") == "0001B300x");
        CHECK(read_all(idle).empty());
    }
    // Megabytes of answers that nobody fetches: the server stops reading, then closes; sending fails in the
    // end.
    const Connection deaf(hsm.port());
    const std::string ask = make_frame("0001", "N0999");
    std::string many;
    for (int i = 0; i < 1000; ++i) many += ask;
    CHECK_THROWS([&] {
        for (int i = 0; i < 100000; ++i) deaf.send(many);
    }());
    CHECK(Connection(hsm.port()).exchange("0001B20001x") == "0001B300x");
    CHECK(hsm.log().find("answers are not read") != std::string::npos);
}

TEST_CASE("connections are bounded") {
    HsmProcess hsm({"--connections", "3"});
    std::vector<std::unique_ptr<Connection>> open;
    for (int i = 0; i < 3; ++i) {
        open.push_back(std::make_unique<Connection>(hsm.port()));
        CHECK(open.back()->exchange("0001B20001x") == "0001B300x");
    }
    {
        const Connection refused(hsm.port());
        CHECK(read_all(refused).empty());
    }
    open.pop_back();
    // The place is free once the server has seen the close; until then it refuses, so ask again.
    std::string answer;
    for (int tries = 0; tries < 1000 && answer.empty(); ++tries) {
        const Connection again(hsm.port());
        again.send(make_frame("0001", "B20001x"));
        answer = again.receive();
    }
    CHECK(answer == make_frame("0001", "B300x"));
}

TEST_CASE("connections that never send a command make room for those who do") {
    HsmProcess hsm({"--connections", "8"});
    Connection at_work(hsm.port());
    CHECK(at_work.exchange("0001B20001x") == "0001B300x");
    std::vector<std::unique_ptr<Connection>> silent;
    for (int i = 0; i < 64; ++i) {
        silent.push_back(std::make_unique<Connection>(hsm.port()));
        if (i == 0) silent.back()->send(std::string("\0\x20", 2));  // has begun a frame
    }
    for (int i = 0; i < 20; ++i) CHECK(Connection(hsm.port()).exchange("0001B20001x") == "0001B300x");
    CHECK(at_work.exchange("0001B20001x") == "0001B300x");
}

TEST_CASE("metrics and health") {
    HsmProcess hsm({"--metrics", "127.0.0.1:0"});
    Connection connection(hsm.port());
    (void)connection.exchange("0001NC");
    (void)connection.exchange("0001NC");
    (void)connection.exchange("0001A00FFFU");
    (void)connection.exchange("0001QQ");
    const std::string page = http_get(hsm.port_of("metrics="), "/metrics");
    for (const std::string_view line :
         {"hsm_commands_total{command=\"NC\"} 2\n", "hsm_commands_refused_total{command=\"A0\"} 1\n",
          "hsm_refusals_total{error=\"04\"} 1\n", "hsm_refusals_total{error=\"68\"} 1\n",
          "hsm_unknown_commands_total 1\n", "hsm_connections 1\n", "hsm_test_lmk 1\n",
          "hsm_authorised 0\n"}) {
        INFO(line);
        CHECK(page.find(line) != std::string::npos);
    }
    CHECK(http_get(hsm.port_of("metrics="), "/healthz").find("200 OK") != std::string::npos);
    CHECK(http_get(hsm.port_of("metrics="), "/else").find("404") != std::string::npos);
}

TEST_CASE("the audit of key operations is on disk before the answer") {
    const std::string path = fresh_path("audit");
    std::string kcv;
    {
        HsmProcess hsm({"--audit", path, "--authorised"});
        Connection connection(hsm.port());
        const std::string answer = connection.exchange("0001A00001U");
        kcv = answer.substr(answer.size() - 6);
        const auto verified = AuditChain::verify(path);
        REQUIRE(verified.has_value());
        CHECK(verified->lines == 2);  // that lines carry MACs, and the key
        CHECK(verified->keyed_from == 1);
        (void)connection.exchange("0001HC" + tmk);
        (void)connection.exchange("0001A6001" + tmk + tmk + "U");
        hsm.signal(SIGKILL);
        (void)hsm.wait();
    }
    const auto [code, said] = run_tool("verify-audit " + path, "");
    CHECK(code == 0);
    CHECK(said.find("4 lines") != std::string::npos);
    CHECK(said.find("on not checked") != std::string::npos);
    CHECK(run_tool("verify-audit " + path + " --lmk test", "").second.find("on are right") !=
          std::string::npos);
    std::ifstream in(path);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    CHECK(text.find("\"kcv\":\"" + kcv + "\"") != std::string::npos);
    CHECK(text.find("\"refused\":\"10\"") != std::string::npos);
    ::unlink(path.c_str());
}

TEST_CASE("hsm-sim does not start with what it cannot use, and says why") {
    struct Row {
        std::string arguments;
        int code;
        std::string_view says;
    };
    const Row rows[] = {{"--lmk /nonexistent/lmk", 1, "/nonexistent/lmk"},
                        {"--listen nowhere", 2, "host:port"},
                        {"--listen 127.0.0.1:99999", 2, "host:port"},
                        {"--lmk somefile --authorised", 2, "test LMK only"},
                        {"--decimalisation stored", 2, "--decimalisation-table"},
                        {"--tls-cert a.pem", 2, "--tls"},
                        {"--header-length 300", 2, "header-length"},
                        {"--listen 127.0.0.1:0 --audit /nonexistent/audit", 1, "/nonexistent/audit"},
                        {"--audit-head /tmp/head", 2, "--audit-head needs --audit"},
                        {"--audit-syslog /dev/log", 2, "--audit-syslog needs --audit"},
                        {"--nonsense", 2, "nonsense"}};
    for (const Row& row : rows) {
        INFO(row.arguments);
        const auto [code, said] = run_tool(row.arguments, "");
        CHECK(code == row.code);
        CHECK(said.find(row.says) != std::string::npos);
    }
}

TEST_CASE("wrap-key makes the test keys that configuration carries") {
    struct Row {
        std::string arguments;
        std::string clear;
        std::string_view expected;
    };
    const Row rows[] = {
        {"--type 002 --scheme U", "0123456789ABCDEFFEDCBA9876543210", test_keys::tmk},
        {"--type 003 --scheme U", "10101010101010102323232323232323", test_keys::tak},
        {"--type 002 --scheme U", "32323232323232324545454545454545", test_keys::tpk},
        {"--type 008 --scheme U", "54545454545454546767676767676767", test_keys::zak},
        {"--type 001 --scheme U", "76767676767676768989898989898989", test_keys::zpk},
        {"--type 008 --scheme S --mode C", "000102030405060708090A0B0C0D0E0F", test_keys::aes_zak},
        {"--type 001 --scheme S --mode B", "101112131415161718191A1B1C1D1E1F", test_keys::aes_zpk},
    };
    for (const Row& row : rows) {
        INFO(row.arguments);
        const auto [code, said] = run_tool("wrap-key " + row.arguments, row.clear + "\n");
        CHECK(code == 0);
        CHECK(said.find(std::string(row.expected) + " kcv ") != std::string::npos);
        CHECK(said.find("TEST LMK") != std::string::npos);
        CHECK(said.find(row.clear) == std::string::npos);
    }
    CHECK(run_tool("wrap-key --type 003 --scheme U", "10101010101010102323232323232322\n").first == 1);
    CHECK(run_tool("wrap-key --type 003 --scheme U", "1010\n").first == 1);
    CHECK(run_tool("wrap-key --type FFF --scheme U", "10101010101010102323232323232323\n").first == 1);
    CHECK(run_tool("wrap-key --type 003", "").first == 1);
}

TEST_CASE("nothing secret is in the log") {
    HsmProcess hsm({"--authorised", "--decimalisation", "clear"});
    Connection connection(hsm.port());
    iso8583::Bytes block = *iso8583::parse_hex("041225EEEEEEEEEE");
    TdesCipher(*iso8583::parse_hex("32323232323232324545454545454545")).encrypt_ecb(block);
    const std::string encrypted = iso8583::to_hex(block);
    const std::string tpk(test_keys::tpk);
    const std::string zpk(test_keys::zpk);
    (void)connection.exchange("0001CA" + tpk + zpk + "12" + encrypted + "0101111111111111");
    (void)connection.exchange("0001CA" + tpk + zpk + "12" + encrypted + "0101222222222222");
    (void)connection.exchange("0001CA" + tpk + tpk + "12" + encrypted + "0101111111111111");
    (void)connection.exchange("0001HC" + tmk);
    (void)connection.exchange("0001A01001U;1" + tmk + "X");
    (void)connection.exchange("0001M600131003" + tak + "0005hello");
    (void)connection.exchange("0001M600131003" + zpk + "0005hello");
    hsm.signal(SIGTERM);
    REQUIRE(hsm.wait() == 0);
    const std::string log = hsm.log();
    REQUIRE(log.find("refused") != std::string::npos);
    for (const std::string& secret :
         {std::string("32323232"), std::string("45454545"), std::string("0123456789ABCDEF"),
          std::string("76767676"), std::string("1111111111"), std::string("2222222222"), encrypted,
          tpk.substr(1), tmk.substr(1), std::string("hello")}) {
        INFO(secret);
        CHECK(log.find(secret) == std::string::npos);
    }
}

TEST_CASE("monitoring counts go up while the HSM serves") {
    HsmProcess hsm({"--header-length", "2"});
    Connection connection(hsm.port());
    CHECK(connection.exchange("01B20001x") == "01B300x");
    const std::string j4 = connection.exchange("02J4");
    CHECK(j4.substr(0, 6) == "02J500");
    CHECK(j4.find("B2000000000001") != std::string::npos);
    CHECK(connection.exchange("03J2").size() == 6 + 12 + 36 + 10 + 160 + 1);
    CHECK(connection.exchange("04J8").size() == 6 + 12 + 36 + 20 + 7 + 5 + 8);
}
