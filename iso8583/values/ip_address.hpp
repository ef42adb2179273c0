// IpAddress and IpRange: addresses of peers as values, IPv4 and IPv6 alike, for allow lists and fair shares.
// An IPv4 address and the same one mapped into IPv6 (::ffff:192.0.2.7) are equal: which of them a socket
// shows depends on how its port was opened.
//
// Pure; no name is resolved. Errors say what a text has to look like. Source: RFC 4291, RFC 5952, RFC 4632.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"

namespace iso8583 {

class IpAddress {
  public:
    static constexpr int bits_max = 128;
    /// "192.0.2.7", "2001:db8::7"; no brackets, port or zone.
    static Result<IpAddress> parse(std::string_view text);
    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] std::string str() const;
    /// Who may choose an IPv6 address has 64 bits of it to choose: for shares such a network is one.
    [[nodiscard]] IpAddress network() const;
    [[nodiscard]] const std::array<std::uint8_t, bits_max / 8>& bytes() const { return bytes_; }
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  private:
    std::array<std::uint8_t, bits_max / 8> bytes_{};  // IPv4: as mapped
};

/// An address, or all that begin with the same bits: "192.0.2.0/24", "2001:db8::/32", "192.0.2.7".
class IpRange {
  public:
    static Result<IpRange> parse(std::string_view text);
    [[nodiscard]] bool contains(const IpAddress& address) const;
    friend bool operator==(const IpRange&, const IpRange&) = default;

  private:
    IpAddress first_;
    int bits_ = IpAddress::bits_max;  // of the mapped form
};

/// Is the address in one of the ranges? Of none at all everybody is.
bool is_allowed(const std::vector<IpRange>& ranges, const IpAddress& address);

}  // namespace iso8583
