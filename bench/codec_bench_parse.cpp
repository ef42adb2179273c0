#include "bench/codec_bench_parse.hpp"

#include "iso8583/char_class.hpp"

namespace bench {

namespace {

using iso8583::ByteView;
namespace detail = iso8583::detail;

// Fields 2 3 4 7 11 12 13 22 25 35 37 41 42 49 55 64.
constexpr std::uint64_t bitmap = 0x7238'0480'28C0'8201;

int two_digits(const std::uint8_t* p) { return (p[0] - '0') * 10 + (p[1] - '0'); }
int packed(std::uint8_t b) { return (b >> 4) * 10 + (b & 0xF); }

struct Cursor {
    const std::uint8_t* p;
    std::size_t at;
    HandParsed& out;
    std::size_t next = 0;
    void put(std::size_t bytes) {
        out.fields[next++] = {static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(bytes)};
        at += bytes;
    }
};

bool parse_ascii(ByteView body, HandParsed& out) {
    const std::uint8_t* p = body.data();
    if (body.size() != 283 || !detail::all_ascii_digits(p, 4)) return false;
    out.mti = two_digits(p) * 100 + two_digits(p + 2);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        const unsigned c = p[4 + i];
        bits = bits << 4 | (c <= '9' ? c - '0' : c - 'A' + 10);
    }
    if (bits != bitmap || two_digits(p + 20) != 16) return false;
    Cursor c{p, 22, out};
    // The numbers stand beside each other up to track 2: one check for all.
    if (!detail::all_ascii_digits(p + 22, 16 + 6 + 12 + 10 + 6 + 6 + 4 + 3 + 2)) return false;
    for (const unsigned bytes : {16U, 6U, 12U, 10U, 6U, 6U, 4U, 3U, 2U}) c.put(bytes);
    if (two_digits(p + c.at) != 37) return false;
    c.at += 2;
    if (!detail::all_in_class(detail::ascii_classes, iso8583::Content::z, p + c.at, 37)) return false;
    c.put(37);
    if (!detail::all_printable(p + c.at, 12 + 8 + 15 + 3)) return false;
    for (const unsigned bytes : {12U, 8U, 15U, 3U}) c.put(bytes);
    if (two_digits(p + c.at) != 10 || p[c.at + 2] != '0') return false;
    c.at += 3;
    if (!detail::all_printable(p + c.at, 100)) return false;
    c.put(100);
    c.put(16);
    return c.at == body.size();
}

bool parse_bcd(ByteView body, HandParsed& out) {
    const std::uint8_t* p = body.data();
    if (body.size() != 212 || !detail::all_bcd_digits(p, 2)) return false;
    out.mti = packed(p[0]) * 100 + packed(p[1]);
    if (__builtin_bswap64(detail::load8(p + 2)) != bitmap || packed(p[10]) != 16) return false;
    Cursor c{p, 11, out};
    if (!detail::all_bcd_digits(p + 11, 8 + 3 + 6 + 5 + 3 + 3 + 2 + 2 + 1)) return false;
    for (const unsigned bytes : {8U, 3U, 6U, 5U, 3U, 3U, 2U, 2U, 1U}) c.put(bytes);
    if (packed(p[c.at]) != 37 || (p[c.at + 19] & 0xF) != 0) return false;
    c.at += 1;
    c.put(19);
    if (!detail::all_printable(p + c.at, 12 + 8 + 15 + 3)) return false;
    for (const unsigned bytes : {12U, 8U, 15U, 3U}) c.put(bytes);
    if (packed(p[c.at]) != 1 || packed(p[c.at + 1]) != 0) return false;
    c.at += 2;
    c.put(100);
    c.put(8);
    return c.at == body.size();
}

}  // namespace

bool parse_by_hand(std::string_view dialect, ByteView body, HandParsed& out) {
    if (dialect == "87-ascii-hexbmp") return parse_ascii(body, out);
    if (dialect == "iso87-bcd" || dialect == "87-bcd-binbmp") return parse_bcd(body, out);
    return false;
}

}  // namespace bench
