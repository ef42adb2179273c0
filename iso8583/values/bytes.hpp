// Bytes, hex and zeroising: what every room needs of raw memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"

namespace iso8583 {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Upper-case hex, two characters a byte.
std::string to_hex(ByteView bytes);
/// Accepts upper and lower case, an even number of digits, nothing else.
Result<Bytes> parse_hex(std::string_view hex);

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Overwrites memory in a way the optimiser may not remove.
void zeroise(void* data, std::size_t size) noexcept;

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// True for "" too.
bool all_digits(std::string_view text);

/// Big-endian integers, for length prefixes and stored keys.
inline void append_be16(std::string& out, std::uint16_t v) {
    out.push_back(static_cast<char>(v >> 8));
    out.push_back(static_cast<char>(v & 0xFF));
}

}  // namespace iso8583
