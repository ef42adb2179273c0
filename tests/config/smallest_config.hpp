// The smallest configuration file that is accepted, and what stands around it, for the tests of what may be
// in one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "switch/config/config.hpp"

namespace acquirer {

inline ConfigSurroundings surroundings() {
    ConfigSurroundings around;
    around.zone_of = [](std::string_view zone) -> std::optional<iso8583::TimeZone> {
        if (zone == "UTC") return iso8583::TimeZone();
        if (zone == "Asia/Shanghai") return iso8583::TimeZone::fixed(8 * 3600);
        return std::nullopt;
    };
    around.dialects = {"unionpay-pos", "iso87-ascii", "iso87-bcd"};
    around.version = 7;
    return around;
}

/// The smallest file that is accepted; each line is a place to break.
inline const std::string good = R"(demo = true
[switch]
zone = "UTC"
currency = "156"
[listen]
unionpay-pos = "127.0.0.1:8583"
[limits]
issuer_reply_timeout_ms = 5000
[[issuer]]
id = 1
name = "a"
addresses = ["127.0.0.1:8601"]
zak = "U98B550821E6A515877C9CC26E163BF48"
zpk = "U22EB30F2EA59A1A842FB5D1DF393237F"
[[iin]]
range = "621234-621299"
routes = ["a"]
[[merchant]]
id = "898110157220001"
[[terminals]]
first = "10000001"
last = "10000999"
merchant = "898110157220001"
profile = "unionpay-pos"
tmk = "U1750CDFB0757D3B3994430636DBB281B"
mac = "ecb"
protected_channel = true
)";

}  // namespace acquirer
