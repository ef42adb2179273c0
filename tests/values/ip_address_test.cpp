// Addresses of peers, and the ranges of allow lists.
#include "iso8583/values/ip_address.hpp"

#include <catch2/catch.hpp>

using iso8583::IpAddress;
using iso8583::IpRange;

namespace {
IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
}  // namespace

TEST_CASE("an address is read and written as people write it", "[ip]") {
    for (const char* text :
         {"192.0.2.7", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::7", "fe80::1"}) {
        INFO(text);
        CHECK(ip(text).str() == text);
    }
    CHECK(ip("2001:DB8:0:0:0:0:0:7").str() == "2001:db8::7");
    CHECK(ip("::ffff:192.0.2.7") == ip("192.0.2.7"));
    CHECK(ip("::ffff:192.0.2.7").str() == "192.0.2.7");
    CHECK(ip("192.0.2.7").is_v4());
    CHECK_FALSE(ip("::1").is_v4());
    for (const char* wrong : {"", "192.0.2", "192.0.2.256", "192.0.2.07.1", "1.2.3.4:80", "[::1]", "::g",
                              "1::2::3", "fe80::1%eth0", " 1.2.3.4", "host", "2001:db8::7/64"}) {
        INFO(wrong);
        CHECK_FALSE(IpAddress::parse(wrong));
    }
}

TEST_CASE("loopback is 127.0.0.0/8 and ::1", "[ip]") {
    for (const char* text : {"127.0.0.1", "127.1.250.2", "::1", "::ffff:127.0.0.1"})
        CHECK(ip(text).is_loopback());
    for (const char* text : {"128.0.0.1", "::2", "2001:db8::1", "0.0.0.0", "::"})
        CHECK_FALSE(ip(text).is_loopback());
}

TEST_CASE("who has an IPv6 network has all of its addresses", "[ip]") {
    CHECK(ip("2001:db8:1:2:3:4:5:6").network() == ip("2001:db8:1:2::"));
    CHECK(ip("2001:db8:1:2:ffff::1").network() == ip("2001:db8:1:2::9").network());
    CHECK(ip("2001:db8:1:3::1").network() != ip("2001:db8:1:2::1").network());
    CHECK(ip("192.0.2.7").network() == ip("192.0.2.7"));
}

TEST_CASE("a range holds what begins with its bits", "[ip]") {
    struct Row {
        const char *range, *address;
        bool holds;
    };
    for (const Row& row :
         {Row{"192.0.2.7", "192.0.2.7", true}, Row{"192.0.2.7", "192.0.2.8", false},
          Row{"192.0.2.0/24", "192.0.2.255", true}, Row{"192.0.2.0/24", "192.0.3.0", false},
          Row{"10.0.0.0/9", "10.127.255.255", true}, Row{"10.0.0.0/9", "10.128.0.0", false},
          Row{"0.0.0.0/0", "203.0.113.9", true}, Row{"0.0.0.0/0", "2001:db8::1", false},
          Row{"::/0", "203.0.113.9", true}, Row{"::/0", "2001:db8::1", true},
          Row{"2001:db8::/32", "2001:db8:ffff::1", true}, Row{"2001:db8::/32", "2001:db9::1", false},
          Row{"2001:db8::/33", "2001:db8:8000::1", false}, Row{"::1", "::1", true},
          Row{"192.0.2.0/24", "::ffff:192.0.2.9", true}, Row{"192.0.2.6/31", "192.0.2.7", true}}) {
        INFO(row.range << " and " << row.address);
        CHECK(IpRange::parse(row.range).value().contains(ip(row.address)) == row.holds);
    }
    CHECK(iso8583::is_allowed({}, ip("203.0.113.9")));
    CHECK_FALSE(iso8583::is_allowed({*IpRange::parse("192.0.2.0/24")}, ip("203.0.113.9")));
    for (const char* wrong :
         {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/2x", "/8", "host/8",
          "192.0.2.7/24", "2001:db8::1/64", "2001:db8::/129", "10.0.0.0/8/8"}) {
        INFO(wrong);
        CHECK_FALSE(IpRange::parse(wrong));
    }
    CHECK(IpRange::parse("192.0.2.7/24").error().what.find("first address") != std::string::npos);
}
