// Content between its canonical form and the wire: BCD, hex, EBCDIC. Inputs have been validated by the
// caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "iso8583/char_class.hpp"

namespace iso8583::detail {

inline constexpr char hex_digits[] = "0123456789ABCDEF";

/// 0–15, or −1 when c is no hex digit.
constexpr int hex_value(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}
constexpr std::array<std::int8_t, 256> make_hex_table(bool ebcdic) {
    std::array<std::int8_t, 256> t{};
    for (std::size_t b = 0; b < t.size(); ++b)
        t[b] = static_cast<std::int8_t>(hex_value(ebcdic ? ebcdic_to_latin1[b] : static_cast<int>(b)));
    return t;
}
inline constexpr auto hex_of_ascii = make_hex_table(false);
inline constexpr auto hex_of_ebcdic = make_hex_table(true);

/// Nibble i of packed digits as the character 0x30 + nibble (so D is '=').
inline char packed_char(const std::uint8_t* p, std::size_t nibble) {
    const unsigned byte = p[nibble / 2];
    return static_cast<char>(0x30 + (nibble % 2 == 0 ? byte >> 4 : byte & 0xF));
}

/// `digits` characters 0x30–0x3F from packed nibbles, beginning at nibble `first` (0 or 1).
inline void unpack_digits(const std::uint8_t* p, std::size_t first, std::size_t digits, char* out) {
    for (std::size_t i = 0; i < digits; ++i) out[i] = packed_char(p, first + i);
}

/// Eight characters 0x30–0x3F to four bytes.
inline void pack8(const char* in, std::uint8_t* out) {
    std::uint64_t v;
    std::memcpy(&v, in, 8);
    v &= every_byte * 0x0F;
    // Byte 2i is the high nibble: bring the pairs together, then squeeze out the empty bytes.
    v = (v << 4 | v >> 8) & 0x00FF00FF00FF00FF;
    v = (v | v >> 8) & 0x0000FFFF0000FFFF;
    const auto packed = static_cast<std::uint32_t>(v | v >> 16);
    std::memcpy(out, &packed, 4);
}

/// Packs an even number of characters.
inline void pack_even(const char* in, std::size_t digits, std::uint8_t* out) {
    while (digits >= 8) {
        pack8(in, out);
        in += 8;
        out += 4;
        digits -= 8;
    }
    for (; digits >= 2; digits -= 2, in += 2)
        *out++ = static_cast<std::uint8_t>((in[0] & 0xF) << 4 | (in[1] & 0xF));
}

/// Packs into (digits + 1) / 2 bytes; an odd digit stands left or right of the filler nibble.
inline void pack_digits(const char* in, std::size_t digits, Align odd, std::uint8_t filler,
                        std::uint8_t* out) {
    if (digits % 2 == 0) return pack_even(in, digits, out);
    if (odd == Align::right) {
        *out = static_cast<std::uint8_t>(filler << 4 | (in[0] & 0xF));
        return pack_even(in + 1, digits - 1, out + 1);
    }
    pack_even(in, digits - 1, out);
    out[digits / 2] = static_cast<std::uint8_t>((in[digits - 1] & 0xF) << 4 | filler);
}

}  // namespace iso8583::detail
