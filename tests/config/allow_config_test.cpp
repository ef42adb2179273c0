// listen.*-allow: who may connect to a port.
#include <catch2/catch.hpp>

#include "tests/config/smallest_config.hpp"

using namespace acquirer;

namespace {

std::string with_allow(const std::string& list) {
    std::string file = good;
    const std::string port = "unionpay-pos = \"127.0.0.1:8583\"\n";
    const std::size_t at = file.find(port);
    REQUIRE(at != std::string::npos);
    return file.insert(at + port.size(), "unionpay-pos-allow = " + list + "\n");
}

}  // namespace

TEST_CASE("config: allow lists are addresses and ranges, and a port without one is everybody's", "[allow]") {
    const auto plain = load_config_text("t.toml", good, surroundings());
    REQUIRE(plain);
    CHECK(plain->listeners.front().allow.empty());
    CHECK(plain->metrics_allow.empty());
    const auto loaded =
        load_config_text("t.toml", with_allow("[\"192.0.2.0/24\", \"2001:db8::7\"]"), surroundings());
    REQUIRE(loaded);
    const auto& allow = loaded->listeners.front().allow;
    REQUIRE(allow.size() == 2);
    CHECK(iso8583::is_allowed(allow, *iso8583::IpAddress::parse("192.0.2.200")));
    CHECK(iso8583::is_allowed(allow, *iso8583::IpAddress::parse("2001:db8::7")));
    CHECK_FALSE(iso8583::is_allowed(allow, *iso8583::IpAddress::parse("2001:db8::8")));
    // A reload does not change who may connect: it says so.
    CHECK(restart_needed(*plain, *loaded).size() == 1);
}

TEST_CASE("config: what is wrong with an allow list is told", "[allow]") {
    struct Row {
        const char *list, *says;
    };
    for (const Row& row :
         {Row{"[]", "needs 1 to 256 addresses or ranges"},
          Row{"[\"terminal.example\"]",
              "entry 1: needs an address or a range as 192.0.2.0/24 or 2001:db8::/32"},
          Row{"[\"::1\", \"10.0.0.0/33\"]", "entry 2: needs 0 to 32 bits behind the /"},
          Row{"[\"10.1.2.3/8\"]", "entry 1: has bits behind its /8: the range's first address is needed"},
          Row{"[\"[::1]\"]", "entry 1: needs an address or a range"}}) {
        INFO(row.list);
        const auto loaded = load_config_text("t.toml", with_allow(row.list), surroundings());
        REQUIRE_FALSE(loaded);
        CHECK(text(loaded.error()).find(std::string("listen.unionpay-pos-allow: ") + row.says) !=
              std::string::npos);
    }
}
