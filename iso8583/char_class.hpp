// Content checks at eight bytes a step. Each returns true when all bytes are of the class; where the first
// wrong one is, is asked only afterwards, off the hot path.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "iso8583/ebcdic.hpp"
#include "iso8583/field_spec.hpp"

namespace iso8583::detail {

inline std::uint64_t load8(const std::uint8_t* p) {
    std::uint64_t v;
    std::memcpy(&v, p, 8);
    return v;
}
inline std::uint32_t load4(const std::uint8_t* p) {
    std::uint32_t v;
    std::memcpy(&v, p, 4);
    return v;
}

inline constexpr std::uint64_t every_byte = 0x0101010101010101;

/// Runs a check of eight bytes over n bytes. What is left over is read again from the end; fewer than eight
/// bytes are read with what follows them (`readable` bytes from p belong to the caller's buffer), which a
/// mask then replaces by `neutral`, a byte that passes.
template <typename Check8>
inline bool all_of(const std::uint8_t* p, std::size_t n, std::size_t readable, std::uint8_t neutral,
                   Check8 ok) {
    if (n < 8 && readable >= 8) {
        const std::uint64_t mask = (std::uint64_t{1} << (8 * n)) - 1;
        return ok((load8(p) & mask) | (every_byte * neutral & ~mask));
    }
    if (n >= 8) {
        const std::uint8_t* const last = p + n - 8;
        for (; p < last; p += 8)
            if (!ok(load8(p))) return false;
        return ok(load8(last));
    }
    std::uint64_t v = every_byte * neutral;
    for (std::size_t i = 0; i < n; ++i) v = (v << 8) | p[i];
    return ok(v);
}

// The checks themselves, of eight bytes.
inline bool ascii_digits8(std::uint64_t v) {
    // High nibble 3, and low nibble not above 9 (adding 6 would carry into the high nibble).
    return ((v & every_byte * 0xF0) | (((v + every_byte * 0x06) & every_byte * 0xF0) >> 4)) ==
           every_byte * 0x33;
}
inline bool printable8(std::uint64_t v) {
    // 0x20 ≤ byte ≤ 0x7E: with the top bit clear, +0x60 sets it from 0x20 on, and +1 sets it at 0x7F.
    return ((v | ~(v + every_byte * 0x60) | (v + every_byte)) & every_byte * 0x80) == 0;
}
inline bool track8(std::uint64_t v) { return (v & every_byte * 0xF0) == every_byte * 0x30; }
inline bool bcd_digits8(std::uint64_t v) {
    // A nibble is above 9 when its bit 3 and one of its bits 2 and 1 are set.
    return ((v >> 3) & ((v >> 2) | (v >> 1)) & every_byte * 0x11) == 0;
}

inline bool all_ascii_digits(const std::uint8_t* p, std::size_t n, std::size_t readable = 0) {
    return all_of(p, n, readable, '0', ascii_digits8);
}
inline bool all_ebcdic_digits(const std::uint8_t* p, std::size_t n, std::size_t readable = 0) {
    return all_of(p, n, readable, 0xF0, [](std::uint64_t v) {
        const std::uint64_t low = v & every_byte * 0x0F;
        return (v & every_byte * 0xF0) == every_byte * 0xF0 &&
               ((low + every_byte * 0x06) & every_byte * 0x10) == 0;
    });
}
inline bool all_printable(const std::uint8_t* p, std::size_t n, std::size_t readable = 0) {
    return all_of(p, n, readable, ' ', printable8);
}
inline bool all_track(const std::uint8_t* p, std::size_t n, std::size_t readable = 0) {
    return all_of(p, n, readable, '0', track8);
}
inline bool all_bcd_digits(const std::uint8_t* p, std::size_t n, std::size_t readable = 0) {
    return all_of(p, n, readable, 0, bcd_digits8);
}

inline constexpr std::size_t content_classes = 9;

constexpr bool in_class(Content content, int c) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool printable = c >= 0x20 && c <= 0x7E;
    switch (content) {
        case Content::n:
            return digit;
        case Content::a:
            return letter || c == ' ';
        case Content::an:
            return letter || digit || c == ' ';
        case Content::ns:
            return printable && !letter;
        case Content::ans:
            return printable;
        case Content::ansg:
            return printable || (c >= 0x80 && c <= 0xFE);
        // Some hosts write the separator as the letter D, which packed track 2 would have as a nibble.
        case Content::z:
            return (c >= 0x30 && c <= 0x3F) || c == 'D';
        case Content::b:
            return true;
        case Content::xn:
            return digit;
    }
    return false;
}

using ClassTable = std::array<std::uint16_t, 256>;
constexpr ClassTable make_class_table(bool ebcdic) {
    ClassTable t{};
    for (std::size_t byte = 0; byte < t.size(); ++byte)
        for (std::size_t c = 0; c < content_classes; ++c)
            if (in_class(static_cast<Content>(c), ebcdic ? ebcdic_to_latin1[byte] : static_cast<int>(byte)))
                t[byte] = static_cast<std::uint16_t>(t[byte] | 1U << c);
    return t;
}
inline constexpr ClassTable ascii_classes = make_class_table(false);
inline constexpr ClassTable ebcdic_classes = make_class_table(true);

inline bool all_in_class(const ClassTable& table, Content content, const std::uint8_t* p, std::size_t n) {
    unsigned all = ~0U;
    for (std::size_t i = 0; i < n; ++i) all &= table[p[i]];
    return (all >> static_cast<unsigned>(content) & 1U) != 0;
}

}  // namespace iso8583::detail
