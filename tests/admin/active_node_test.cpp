// Which node serves, by what each says on /role.
#include "switch/admin/active_node.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace acquirer::admin;

namespace {

std::string page(const std::string& json) { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + json; }

NodeRole role_at(const std::string& json, const char* host) {
    auto role = parse_role(page(json));
    REQUIRE(role.has_value());
    role->at = {host, "9583", ""};
    return *role;
}

}  // namespace

TEST_CASE("nodes are a list of addresses, and what is none is named") {
    const auto nodes = parse_nodes("10.0.0.1:9583,[::1]:9584=/run/b.sock");
    REQUIRE(nodes.has_value());
    REQUIRE(nodes->size() == 2);
    CHECK(nodes->at(0).str() == "10.0.0.1:9583");
    CHECK(nodes->at(0).socket.empty());
    CHECK(nodes->at(1).host == "::1");
    CHECK(nodes->at(1).socket == "/run/b.sock");
    for (const char* wrong : {"", "10.0.0.1", "10.0.0.1:", ":9583", "10.0.0.1:95x3", "10.0.0.1:123456",
                              "a:1,", "a:1,,b:2", "a:1="}) {
        CAPTURE(wrong);
        const auto none = parse_nodes(wrong);
        REQUIRE_FALSE(none.has_value());
        CHECK(none.error().what.find("is no HOST:PORT or HOST:PORT=SOCKET") != std::string::npos);
    }
    std::string many = "a:1";
    for (std::size_t i = 0; i < nodes_max; ++i) many += ",a:1";
    CHECK(parse_nodes(many).error().what == "there are more than 16 nodes");
}

TEST_CASE("one node serves where one alone says so") {
    const NodeRole a = role_at(R"({"role": "active", "node": "a", "shard": 0, "epoch": 3})", "10.0.0.1");
    const NodeRole b = role_at(R"({"role": "standby", "node": "b", "of": "a", "trouble": ""})", "10.0.0.2");
    CHECK(active_of({b, a})->node == "a");
    CHECK(active_of({b}) == nullptr);
    CHECK(active_of({a, b, a}) == nullptr);
    CHECK(text_of({a, b}) ==
          "  node a at 10.0.0.1:9583: active\n  node b at 10.0.0.2:9583: standby of node a");
}

TEST_CASE("what is no page /role is none") {
    for (const std::string& wrong :
         {std::string(), std::string("HTTP/1.1 200 OK\r\n"), std::string("HTTP/1.1 404 Not Found\r\n\r\n{}"),
          page(""), page("[]"), page(R"({"role": "king"})"), page(R"({"role": 1})")}) {
        CAPTURE(wrong);
        const auto none = parse_role(wrong);
        REQUIRE_FALSE(none.has_value());
        CHECK_FALSE(none.error().what.empty());
    }
}

TEST_CASE("what another program says on /role does not steer a person's terminal") {
    const NodeRole stranger = role_at(
        R"({"role": "standby", "node": "b\u001b[2J\n", "of": "\u009b31m", "trouble": "\r\u0007done"})",
        "10.0.0.9");
    const std::string said = text_of({stranger});
    for (const char c : said) CHECK((c >= ' ' && c <= '~'));
    CHECK(said == "  node b?[2J? at 10.0.0.9:9583: standby of node ??31m: ??done");
}
