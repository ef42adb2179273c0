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

/// Sixteen bytes at once; the compilers turn the arithmetic into vector instructions.
using Vector16 = std::uint8_t __attribute__((vector_size(16)));
inline Vector16 load16(const std::uint8_t* p) {
    Vector16 v;
    std::memcpy(&v, p, 16);
    return v;
}
inline bool all_ones(Vector16 v) {
    std::uint64_t halves[2];
    std::memcpy(halves, &v, 16);
    return (halves[0] & halves[1]) == ~std::uint64_t{0};
}
/// The values of sixteen hex digits; `ok` has a zero byte where there is none.
inline Vector16 hex_values16(Vector16 chars, Vector16& ok) {
    const Vector16 digit = chars - '0';
    const Vector16 letter = (chars | 0x20) - 'a';
    const auto is_digit = (Vector16)(digit <= 9);
    const auto is_letter = (Vector16)(letter <= 5);
    ok = is_digit | is_letter;
    return (is_digit & digit) | (is_letter & (letter + 10));
}
/// Whether n ASCII characters are hex digits.
inline bool all_hex(const std::uint8_t* p, std::size_t n) {
    Vector16 ok{};
    if (n < 16) {
        for (std::size_t i = 0; i < n; ++i)
            if (hex_of_ascii[p[i]] < 0) return false;
        return true;
    }
    const std::uint8_t* const last = p + n - 16;
    hex_values16(load16(last), ok);
    Vector16 all = ok;
    for (; p < last; p += 16) {
        hex_values16(load16(p), ok);
        all &= ok;
    }
    return all_ones(all);
}

/// The low nibbles of eight bytes as four bytes.
inline std::uint32_t squeeze8(std::uint64_t v) {
    v &= every_byte * 0x0F;
    // Byte 2i is the high nibble: bring the pairs together, then squeeze out the empty bytes.
    v = (v << 4 | v >> 8) & 0x00FF00FF00FF00FF;
    v = (v | v >> 8) & 0x0000FFFF0000FFFF;
    return static_cast<std::uint32_t>(v | v >> 16);
}

/// Sixteen ASCII hex digits as the 64 bits they say; false when they are none.
inline bool parse_hex16(const std::uint8_t* p, std::uint64_t& bits) {
    Vector16 ok;
    const Vector16 values = hex_values16(load16(p), ok);
    std::uint64_t halves[2];
    std::memcpy(halves, &values, 16);
    const std::uint64_t wire = squeeze8(halves[0]) | std::uint64_t{squeeze8(halves[1])} << 32;
    bits = __builtin_bswap64(wire);
    return all_ones(ok);
}

inline Vector16 hex_chars16(Vector16 nibbles) { return nibbles + '0' + ((Vector16)(nibbles > 9) & 7); }
/// Sixteen bytes as 32 upper-case hex digits.
inline void write_hex16(Vector16 bytes, std::uint8_t* out) {
    const Vector16 high = hex_chars16(bytes >> 4);
    const Vector16 low = hex_chars16(bytes & 0x0F);
    const Vector16 first =
        __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const Vector16 second =
        __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    std::memcpy(out, &first, 16);
    std::memcpy(out + 16, &second, 16);
}
inline void write_hex(const std::uint8_t* p, std::size_t n, std::uint8_t* out) {
    for (; n >= 16; n -= 16, p += 16, out += 32) write_hex16(load16(p), out);
    for (; n > 0; --n, ++p) {
        *out++ = static_cast<std::uint8_t>(hex_digits[*p >> 4]);
        *out++ = static_cast<std::uint8_t>(hex_digits[*p & 0xF]);
    }
}

inline void store4(std::uint32_t v, std::uint8_t* out) { std::memcpy(out, &v, 4); }
inline void store8(std::uint64_t v, std::uint8_t* out) { std::memcpy(out, &v, 8); }

/// Copies n bytes and says whether all passed the check of eight; what is left over is read again from the
/// end.
template <typename Check8>
inline bool copy_checked(const std::uint8_t* p, std::size_t n, std::uint8_t neutral, std::uint8_t* out,
                         Check8 ok) {
    if (n >= 8) {
        bool all = true;
        for (std::size_t i = 0; i + 8 <= n; i += 8) {
            const std::uint64_t v = load8(p + i);
            all = all && ok(v);
            store8(v, out + i);
        }
        const std::uint64_t last = load8(p + n - 8);
        store8(last, out + n - 8);
        return all && ok(last);
    }
    if (n >= 4) {
        const std::uint32_t first = load4(p);
        const std::uint32_t last = load4(p + n - 4);
        store4(first, out);
        store4(last, out + n - 4);
        return ok(first | std::uint64_t{last} << 32);
    }
    std::uint64_t v = every_byte * neutral;
    for (std::size_t i = 0; i < n; ++i) v = v << 8 | (out[i] = p[i]);
    return ok(v);
}

/// Packs an even number of characters 0x30–0x3F; false when one fails the check (its nibble is packed all the
/// same).
template <typename Check8>
inline bool pack_even(const char* in, std::size_t digits, std::uint8_t* out, Check8 ok) {
    const auto* p = reinterpret_cast<const std::uint8_t*>(in);
    if (digits >= 8) {
        bool all = true;
        for (std::size_t i = 0; i + 8 <= digits; i += 8) {
            const std::uint64_t v = load8(p + i);
            all = all && ok(v);
            store4(squeeze8(v), out + i / 2);
        }
        // What is left over overlaps what was packed, by whole bytes.
        const std::uint64_t last = load8(p + digits - 8);
        store4(squeeze8(last), out + digits / 2 - 4);
        return all && ok(last);
    }
    bool all = true;
    for (; digits >= 2; digits -= 2, p += 2) {
        all = all && ok(every_byte * 0x30 << 16 | p[0] | std::uint64_t{p[1]} << 8);
        *out++ = static_cast<std::uint8_t>((p[0] & 0xF) << 4 | (p[1] & 0xF));
    }
    return all;
}

/// Packs into (digits + 1) / 2 bytes; an odd digit stands left or right of the filler nibble.
template <typename Check8>
inline bool pack_digits(const char* in, std::size_t digits, Align odd, std::uint8_t filler, std::uint8_t* out,
                        Check8 ok) {
    if (digits % 2 == 0) return pack_even(in, digits, out, ok);
    const bool right = odd == Align::right;
    const auto alone = static_cast<std::uint8_t>(right ? in[0] : in[digits - 1]);
    const auto nibble = static_cast<std::uint8_t>(alone & 0xF);
    out[right ? 0 : digits / 2] =
        static_cast<std::uint8_t>(right ? filler << 4 | nibble : nibble << 4 | filler);
    return pack_even(right ? in + 1 : in, digits - 1, right ? out + 1 : out, ok) &&
           ok(every_byte * 0x30 << 8 | alone);
}

}  // namespace iso8583::detail
