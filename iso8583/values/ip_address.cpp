#include "iso8583/values/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace iso8583 {

namespace {

constexpr std::size_t v4_at = 12;  // of the mapped form: ten zeros, two 0xFF, four bytes
constexpr int v4_prefix_bits = 96;
constexpr std::size_t network_bytes = 8;
constexpr std::size_t text_max = 45;

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
    const auto wrong = [] {
        return parse_error("needs an address as 192.0.2.7 or 2001:db8::7, without brackets or port");
    };
    if (text.empty() || text.size() > text_max) return wrong();
    const std::string terminated(text);
    IpAddress address;
    if (text.find(':') == std::string_view::npos) {
        in_addr v4{};
        if (inet_pton(AF_INET, terminated.c_str(), &v4) != 1) return wrong();
        address.bytes_[v4_at - 1] = address.bytes_[v4_at - 2] = 0xFF;
        std::memcpy(&address.bytes_[v4_at], &v4, sizeof v4);
        return address;
    }
    in6_addr v6{};
    if (inet_pton(AF_INET6, terminated.c_str(), &v6) != 1) return wrong();
    std::memcpy(address.bytes_.data(), &v6, sizeof v6);
    return address;
}

bool IpAddress::is_v4() const {
    return std::all_of(bytes_.begin(), bytes_.begin() + v4_at - 2, [](std::uint8_t b) { return b == 0; }) &&
           bytes_[v4_at - 2] == 0xFF && bytes_[v4_at - 1] == 0xFF;
}

bool IpAddress::is_loopback() const {
    if (is_v4()) return bytes_[v4_at] == 127;
    return bytes_.back() == 1 &&
           std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; });
}

std::string IpAddress::str() const {
    char text[INET6_ADDRSTRLEN];
    const bool v4 = is_v4();
    const char* written =
        inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &bytes_[v4_at] : bytes_.data(), text, sizeof text);
    return written != nullptr ? written : "";
}

IpAddress IpAddress::network() const {
    if (is_v4()) return *this;
    IpAddress of = *this;
    std::fill(of.bytes_.begin() + network_bytes, of.bytes_.end(), std::uint8_t{0});
    return of;
}

Result<IpRange> IpRange::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto first = IpAddress::parse(text.substr(0, slash));
    if (!first) return parse_error("needs an address or a range as 192.0.2.0/24 or 2001:db8::/32");
    IpRange range;
    range.first_ = *first;
    if (slash == std::string_view::npos) return range;
    const std::string_view digits = text.substr(slash + 1);
    const int most = first->is_v4() ? IpAddress::bits_max - v4_prefix_bits : IpAddress::bits_max;
    int bits = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size() || bits < 0 || bits > most ||
        digits.front() == '+' || digits.front() == '-')
        return parse_error("needs 0 to " + std::to_string(most) + " bits behind the /");
    range.bits_ = bits + (first->is_v4() ? v4_prefix_bits : 0);
    for (int bit = range.bits_; bit < IpAddress::bits_max; ++bit)
        if ((first->bytes()[static_cast<std::size_t>(bit) / 8] >> (7 - bit % 8) & 1) != 0)
            return parse_error("has bits behind its /" + std::to_string(bits) +
                               ": the range's first address is needed");
    return range;
}

bool IpRange::contains(const IpAddress& address) const {
    const auto whole = static_cast<std::size_t>(bits_) / 8;
    const int rest = bits_ % 8;
    const auto& mine = first_.bytes();
    const auto& other = address.bytes();
    if (!std::equal(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(whole), other.begin()))
        return false;
    return rest == 0 || (mine[whole] ^ other[whole]) >> (8 - rest) == 0;
}

bool is_allowed(const std::vector<IpRange>& ranges, const IpAddress& address) {
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(),
                                         [&](const IpRange& range) { return range.contains(address); });
}

}  // namespace iso8583
