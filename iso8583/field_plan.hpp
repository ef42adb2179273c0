// FieldPlan: a field's spec as the two loops read it: 16 bytes, every choice made when the table was built.
#pragma once

#include <cstdint>
#include <string_view>

#include "iso8583/char_class.hpp"
#include "iso8583/field_spec.hpp"
#include "iso8583/transcode.hpp"

namespace iso8583 {

struct FieldPlan {
    /// How the content is checked on the wire; follows from content class and encoding.
    enum class Check : std::uint8_t {
        any,
        ascii_digits,
        ebcdic_digits,
        ascii_printable,
        ascii_track,
        ascii_class,
        ebcdic_class,
        packed_digits,
        packed_track,  // any nibble is of the class; only the filler is checked
        sign_ascii,
        sign_ebcdic,
        sign_packed,
        hex_ascii,
        hex_ebcdic
    };
    /// Wire bytes for units.
    enum class Shape : std::uint8_t { one, half, sign_half, twice };

    Check check = Check::any;
    Shape shape = Shape::one;
    Content content = Content::ans;
    Encoding encoding = Encoding::ascii;
    Prefix prefix = Prefix::none;
    std::uint8_t prefix_bytes = 0;
    Counts counts = Counts::units;
    Align odd = Align::right;
    std::uint8_t odd_filler = 0;
    bool trims_filler = false;  // a prefix that counts bytes, and a filler F that tells odd from even
    bool fills = false;         // a fixed field that encode fills up
    std::uint16_t min = 0;
    std::uint16_t max = 0;
    std::uint16_t fixed_bytes = 0;

    static FieldPlan of(const FieldSpec& spec);

    [[nodiscard]] std::size_t bytes_of_units(std::size_t units) const {
        switch (shape) {
            case Shape::one:
                return units;
            case Shape::half:
                return (units + 1) / 2;
            case Shape::sign_half:
                return 1 + units / 2;
            case Shape::twice:
                return 2 * units;
        }
        return units;
    }
    [[nodiscard]] std::size_t bytes_of_count(std::size_t count) const {
        return counts == Counts::wire ? count : bytes_of_units(count);
    }
    [[nodiscard]] std::size_t units_of_count(std::size_t count) const {
        if (counts == Counts::units || shape == Shape::one) return count;
        return shape == Shape::twice ? count / 2 : 2 * count;
    }
    [[nodiscard]] std::size_t units_of_bytes(std::size_t bytes) const {
        switch (shape) {
            case Shape::one:
                return bytes;
            case Shape::half:
                return 2 * bytes;
            case Shape::sign_half:
                return bytes == 0 ? 0 : 2 * bytes - 1;
            case Shape::twice:
                return bytes / 2;
        }
        return bytes;
    }
    /// The length prefix at p (prefix_bytes of them); false when it is no number of its encoding.
    bool read_prefix(const std::uint8_t* p, std::size_t& count) const {
        // The two that nearly all dialects have.
        if (prefix == Prefix::ascii && prefix_bytes == 2) {
            const unsigned high = p[0] - 0x30U;
            const unsigned low = p[1] - 0x30U;
            count = high * 10 + low;
            return high <= 9 && low <= 9;
        }
        if (prefix == Prefix::bcd && prefix_bytes == 1) {
            const unsigned high = p[0] >> 4U;
            const unsigned low = p[0] & 0xFU;
            count = high * 10 + low;
            return high <= 9 && low <= 9;
        }
        std::size_t value = 0;
        bool ok = true;
        switch (prefix) {
            case Prefix::ascii:
            case Prefix::ebcdic: {
                const unsigned zero = prefix == Prefix::ascii ? 0x30 : 0xF0;
                for (std::size_t i = 0; i < prefix_bytes; ++i) {
                    const unsigned digit = p[i] - zero;
                    ok = ok && digit <= 9;
                    value = value * 10 + digit;
                }
                break;
            }
            case Prefix::bcd:
                for (std::size_t i = 0; i < prefix_bytes; ++i) {
                    const unsigned high = p[i] >> 4U;
                    const unsigned low = p[i] & 0xFU;
                    ok = ok && high <= 9 && low <= 9;
                    value = value * 100 + std::size_t{high} * 10 + low;
                }
                break;
            case Prefix::binary:
                for (std::size_t i = 0; i < prefix_bytes; ++i) value = value << 8 | p[i];
                break;
            case Prefix::none:
                break;
        }
        count = value;
        return ok;
    }
    void write_prefix(std::size_t count, std::uint8_t* p) const {
        for (std::size_t i = prefix_bytes; i-- > 0;) {
            switch (prefix) {
                case Prefix::ascii:
                case Prefix::ebcdic:
                    p[i] = static_cast<std::uint8_t>((prefix == Prefix::ascii ? 0x30 : 0xF0) + count % 10);
                    count /= 10;
                    break;
                case Prefix::bcd:
                    p[i] = static_cast<std::uint8_t>(count / 10 % 10 << 4 | count % 10);
                    count /= 100;
                    break;
                case Prefix::binary:
                    p[i] = static_cast<std::uint8_t>(count & 0xFF);
                    count >>= 8;
                    break;
                case Prefix::none:
                    break;
            }
        }
    }
    [[nodiscard]] bool has_filler(const std::uint8_t* p, std::size_t bytes) const {
        return odd == Align::left ? (p[bytes - 1] & 0xF) == odd_filler : p[0] >> 4 == odd_filler;
    }

    /// Whether wire bytes are of the field's class. `readable` bytes from p on may be looked at.
    [[nodiscard, gnu::always_inline]] inline bool content_ok(const std::uint8_t* p, std::size_t units,
                                                             std::size_t bytes, std::size_t readable) const {
        switch (check) {
            case Check::any:
                return true;
            case Check::ascii_digits:
                return detail::all_ascii_digits(p, bytes, readable);
            case Check::ebcdic_digits:
                return detail::all_ebcdic_digits(p, bytes, readable);
            case Check::ascii_printable:
                return detail::all_printable(p, bytes, readable);
            case Check::ascii_track:
                return detail::all_track(p, bytes, readable) ||
                       detail::all_in_class(detail::ascii_classes, content, p, bytes);
            case Check::ascii_class:
                return detail::all_in_class(detail::ascii_classes, content, p, bytes);
            case Check::ebcdic_class:
                return detail::all_in_class(detail::ebcdic_classes, content, p, bytes);
            case Check::packed_digits:
                if (units % 2 == 0) return detail::all_bcd_digits(p, bytes, readable);
                return packed_odd_ok(p, bytes, readable);
            case Check::packed_track:
                return units % 2 == 0 || has_filler(p, bytes);
            case Check::sign_ascii:
                return is_sign(p[0]) && detail::all_ascii_digits(p + 1, bytes - 1);
            case Check::sign_ebcdic:
                return is_sign(ebcdic_to_latin1[p[0]]) && detail::all_ebcdic_digits(p + 1, bytes - 1);
            case Check::sign_packed:
                return is_sign(p[0]) && detail::all_bcd_digits(p + 1, bytes - 1);
            case Check::hex_ascii:
                return detail::all_hex(p, bytes);
            case Check::hex_ebcdic:
                return hex_ok(detail::hex_of_ebcdic, p, bytes);
        }
        return false;
    }
    /// After content_ok said no: the offset of the first wrong byte.
    [[nodiscard]] std::size_t first_bad(const std::uint8_t* p, std::size_t units, std::size_t bytes) const;
    /// For people: "digits"; and of which sort the byte is that was wrong, never the byte itself.
    [[nodiscard]] std::string_view class_needed() const;
    [[nodiscard]] std::string_view class_there(std::uint8_t wrong) const;
    /// The same of the first character of a canonical content that is not of the class.
    [[nodiscard]] std::string_view class_there(std::string_view canonical) const;

    /// Where unit `unit` of a content of `units` stands: byte offset from the content's start.
    [[nodiscard]] std::size_t byte_of_unit(std::size_t unit, std::size_t units) const {
        switch (shape) {
            case Shape::one:
                return unit;
            case Shape::half:
                return (unit + (units % 2 != 0 && odd == Align::right ? 1 : 0)) / 2;
            case Shape::sign_half:
                return unit == 0 ? 0 : 1 + (unit - 1) / 2;
            case Shape::twice:
                return 2 * unit;
        }
        return unit;
    }

    /// Canonical content of wire bytes, into `units` characters at out (b: `units` bytes).
    void to_canonical(const std::uint8_t* p, std::size_t units, char* out) const;
    /// Wire bytes of canonical content: exactly bytes_of_units(units) of them, at out. False when the content
    /// is not of the field's class; what is at out then has no meaning.
    [[nodiscard]] bool to_wire(const char* content_begin, std::size_t units, std::uint8_t* out) const;

  private:
    static bool is_sign(int c) { return c == 'C' || c == 'D'; }
    /// An odd number of digits: the nibble beside them is the filler and nothing else.
    [[nodiscard]] bool packed_odd_ok(const std::uint8_t* p, std::size_t bytes, std::size_t readable) const {
        if (odd_filler == 0) return has_filler(p, bytes) && detail::all_bcd_digits(p, bytes, readable);
        // The filler F is no digit: its byte is looked at alone.
        const std::uint8_t mixed = odd == Align::left ? p[bytes - 1] : p[0];
        const unsigned digit = odd == Align::left ? mixed >> 4U : mixed & 0xFU;
        return has_filler(p, bytes) && digit <= 9 &&
               detail::all_bcd_digits(odd == Align::left ? p : p + 1, bytes - 1);
    }
    template <typename Table>
    static bool hex_ok(const Table& table, const std::uint8_t* p, std::size_t bytes) {
        int all = 0;
        for (std::size_t i = 0; i < bytes; ++i) all |= table[p[i]];
        return all >= 0;
    }
};

[[gnu::always_inline]] inline bool FieldPlan::to_wire(const char* begin, std::size_t units,
                                                      std::uint8_t* out) const {
    const auto* p = reinterpret_cast<const std::uint8_t*>(begin);
    switch (encoding) {
        case Encoding::ascii:
            switch (content) {
                case Content::n:
                    return detail::copy_checked(p, units, '0', out, detail::ascii_digits8);
                case Content::ans:
                    return detail::copy_checked(p, units, ' ', out, detail::printable8);
                // Canonical is the separator '='; its other spelling is only read.
                case Content::z:
                    return detail::copy_checked(p, units, '0', out, detail::track8);
                case Content::xn:
                    out[0] = p[0];
                    return is_sign(p[0]) &&
                           detail::copy_checked(p + 1, units - 1, '0', out + 1, detail::ascii_digits8);
                case Content::a:
                case Content::an:
                case Content::ns:
                case Content::ansg:
                case Content::b:
                    break;
            }
            std::memcpy(out, p, units);
            return detail::all_in_class(detail::ascii_classes, content, p, units);
        case Encoding::binary:
            std::memcpy(out, p, units);
            return true;
        case Encoding::ebcdic:
            for (std::size_t i = 0; i < units; ++i) out[i] = latin1_to_ebcdic[p[i]];
            if (content == Content::z) return detail::all_track(p, units);
            if (content == Content::xn)
                return is_sign(p[0]) &&
                       detail::all_in_class(detail::ascii_classes, content, p + 1, units - 1);
            return detail::all_in_class(detail::ascii_classes, content, p, units);
        case Encoding::bcd:
            if (content == Content::z)
                return detail::pack_digits(begin, units, odd, odd_filler, out, detail::track8);
            if (content == Content::xn) {
                out[0] = p[0];
                return is_sign(p[0]) &&
                       detail::pack_even(begin + 1, units - 1, out + 1, detail::ascii_digits8);
            }
            return detail::pack_digits(begin, units, odd, odd_filler, out, detail::ascii_digits8);
        case Encoding::hex:
            detail::write_hex(p, units, out);
            return true;
        case Encoding::hex_ebcdic:
            for (std::size_t i = 0; i < units; ++i) {
                out[2 * i] = latin1_to_ebcdic[static_cast<std::uint8_t>(detail::hex_digits[p[i] >> 4])];
                out[2 * i + 1] = latin1_to_ebcdic[static_cast<std::uint8_t>(detail::hex_digits[p[i] & 0xF])];
            }
            return true;
    }
    return false;
}

}  // namespace iso8583
