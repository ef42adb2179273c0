#include "switch/admin/base64.hpp"

#include <cstdint>

namespace acquirer::admin {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t group_bytes = 3, group_letters = 4;

int value_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + group_bytes - 1) / group_bytes * group_letters);
    for (std::size_t at = 0; at < bytes.size(); at += group_bytes) {
        const std::string_view group = bytes.substr(at, group_bytes);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < group_bytes; ++i)
            bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (std::size_t i = 0; i < group_letters; ++i)
            out += i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 0x3F] : '=';
    }
    return out;
}

std::optional<std::string> parse_base64(std::string_view text) {
    if (text.size() % group_letters != 0) return std::nullopt;
    std::string out;
    out.reserve(text.size() / group_letters * group_bytes);
    for (std::size_t at = 0; at < text.size(); at += group_letters) {
        std::uint32_t bits = 0;
        std::size_t letters = 0;
        for (const char c : text.substr(at, group_letters)) {
            const int value = value_of(c);
            const bool pads = c == '=' && at + group_letters == text.size() && letters >= 2;
            if (value < 0 && !pads) return std::nullopt;
            bits = bits << 6 | static_cast<std::uint32_t>(value < 0 ? 0 : value);
            if (value >= 0) ++letters;
        }
        for (std::size_t i = 0; i + 1 < letters; ++i) out += static_cast<char>(bits >> (16 - 8 * i) & 0xFF);
    }
    // Letters behind a pad, bits that nobody reads: another text for the same bytes is none.
    if (to_base64(out) != text) return std::nullopt;
    return out;
}

}  // namespace acquirer::admin
