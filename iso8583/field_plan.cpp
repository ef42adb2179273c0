#include "iso8583/field_plan.hpp"

namespace iso8583 {

namespace {

FieldPlan::Check check_of(const FieldSpec& s) {
    using Check = FieldPlan::Check;
    const bool ebcdic = s.encoding == Encoding::ebcdic;
    switch (s.encoding) {
        case Encoding::binary:
            return Check::any;
        case Encoding::hex:
            return Check::hex_ascii;
        case Encoding::hex_ebcdic:
            return Check::hex_ebcdic;
        case Encoding::bcd:
            if (s.content == Content::xn) return Check::sign_packed;
            return s.content == Content::z ? Check::packed_track : Check::packed_digits;
        case Encoding::ascii:
        case Encoding::ebcdic:
            break;
    }
    switch (s.content) {
        case Content::n:
            return ebcdic ? Check::ebcdic_digits : Check::ascii_digits;
        case Content::xn:
            return ebcdic ? Check::sign_ebcdic : Check::sign_ascii;
        case Content::ans:
            return ebcdic ? Check::ebcdic_class : Check::ascii_printable;
        case Content::a:
        case Content::an:
        case Content::ns:
        case Content::ansg:
        case Content::z:
            return ebcdic ? Check::ebcdic_class : Check::ascii_class;
        case Content::b:
            break;
    }
    return Check::any;
}

FieldPlan::Shape shape_of(const FieldSpec& s) {
    switch (s.encoding) {
        case Encoding::bcd:
            return s.content == Content::xn ? FieldPlan::Shape::sign_half : FieldPlan::Shape::half;
        case Encoding::hex:
        case Encoding::hex_ebcdic:
            return FieldPlan::Shape::twice;
        case Encoding::ascii:
        case Encoding::ebcdic:
        case Encoding::binary:
            break;
    }
    return FieldPlan::Shape::one;
}

}  // namespace

FieldPlan FieldPlan::of(const FieldSpec& s) {
    FieldPlan plan;
    plan.check = check_of(s);
    plan.shape = shape_of(s);
    plan.content = s.content;
    plan.encoding = s.encoding;
    plan.prefix = s.prefix;
    plan.prefix_bytes =
        s.prefix == Prefix::bcd ? static_cast<std::uint8_t>((s.prefix_size + 1) / 2) : s.prefix_size;
    plan.counts = s.counts;
    plan.odd = s.odd;
    plan.odd_filler = s.odd_filler;
    plan.trims_filler = s.counts == Counts::wire && s.encoding == Encoding::bcd && s.odd_filler != 0;
    plan.fills = s.fills;
    plan.min = s.min;
    plan.max = s.max;
    plan.fixed_bytes = s.fixed() ? static_cast<std::uint16_t>(wire_bytes(s, s.max)) : std::uint16_t{0};
    return plan;
}

std::size_t FieldPlan::first_bad(const std::uint8_t* p, std::size_t units, std::size_t bytes) const {
    const bool right = units % 2 != 0 && odd == Align::right;
    for (std::size_t i = 0; i < bytes; ++i) {
        const std::size_t in_first = i == 0 ? 1U : 0U;
        switch (check) {
            case Check::packed_digits:
            case Check::packed_track: {
                const bool mixed = units % 2 != 0 && i == (right ? 0 : bytes - 1);
                const unsigned high = p[i] >> 4U;
                const unsigned low = p[i] & 0xFU;
                const unsigned limit = check == Check::packed_track ? 15 : 9;
                if (mixed && (right ? high : low) != odd_filler) return i;
                if ((!(mixed && right) && high > limit) || (!(mixed && !right) && low > limit)) return i;
                break;
            }
            case Check::sign_ascii:
            case Check::sign_ebcdic: {
                const int c = check == Check::sign_ebcdic ? ebcdic_to_latin1[p[i]] : p[i];
                if (in_first != 0 ? !is_sign(c) : !(c >= '0' && c <= '9')) return i;
                break;
            }
            case Check::sign_packed:
                if (in_first != 0 ? !is_sign(p[i]) : !detail::all_bcd_digits(p + i, 1)) return i;
                break;
            case Check::any:
            case Check::ascii_digits:
            case Check::ebcdic_digits:
            case Check::ascii_printable:
            case Check::ascii_track:
            case Check::ascii_class:
            case Check::ebcdic_class:
            case Check::hex_ascii:
            case Check::hex_ebcdic:
                if (!content_ok(p + i, 1, 1, 1)) return i;
                break;
        }
    }
    return 0;
}

namespace {

std::string_view sort_of(int c) {
    if (c >= '0' && c <= '9') return "a digit";
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return "a letter";
    if (c == ' ') return "a blank";
    if (c > ' ' && c < 0x7F) return "a special character";
    return c <= 0x7F ? "a control character" : "a byte above 7F";
}

}  // namespace

std::string_view FieldPlan::class_needed() const {
    if (check == Check::hex_ascii || check == Check::hex_ebcdic) return "hex digits";
    switch (content) {
        case Content::n:
            return "digits";
        case Content::a:
            return "letters";
        case Content::an:
            return "letters or digits";
        case Content::ns:
            return "digits or special characters";
        case Content::ans:
            return "printable characters";
        case Content::ansg:
            return "printable characters or a national code";
        case Content::z:
            return "track characters";
        case Content::xn:
            return "C or D and digits";
        case Content::b:
            break;
    }
    return "bytes";
}

std::string_view FieldPlan::class_there(std::uint8_t wrong) const {
    switch (check) {
        case Check::packed_digits:
        case Check::packed_track:
            if (check == Check::packed_digits && odd_filler == 0 && (wrong >> 4 > 9 || (wrong & 0xF) > 9))
                return "a nibble above 9";
            return "a wrong filler";
        case Check::ebcdic_digits:
        case Check::ebcdic_class:
        case Check::sign_ebcdic:
        case Check::hex_ebcdic:
            return sort_of(ebcdic_to_latin1[wrong]);
        case Check::any:
        case Check::ascii_digits:
        case Check::ascii_printable:
        case Check::ascii_track:
        case Check::ascii_class:
        case Check::sign_ascii:
        case Check::sign_packed:
        case Check::hex_ascii:
            break;
    }
    return sort_of(wrong);
}

std::string_view FieldPlan::class_there(std::string_view canonical) const {
    for (std::size_t i = 0; i < canonical.size(); ++i) {
        const auto c = static_cast<std::uint8_t>(canonical[i]);
        const bool sign = content == Content::xn && i == 0;
        const Content of = content == Content::xn ? Content::n : content;
        // The letter D is only read as a separator, never written.
        const bool ok = sign ? is_sign(c)
                             : detail::all_in_class(detail::ascii_classes, of, &c, 1) &&
                                   !(content == Content::z && c == 'D');
        if (!ok) return sort_of(c);
    }
    return "another character";
}

void FieldPlan::to_canonical(const std::uint8_t* p, std::size_t units, char* out) const {
    switch (encoding) {
        case Encoding::ascii:
        case Encoding::binary:
            std::memcpy(out, p, units);
            break;
        case Encoding::ebcdic:
            for (std::size_t i = 0; i < units; ++i) out[i] = static_cast<char>(ebcdic_to_latin1[p[i]]);
            break;
        case Encoding::bcd:
            if (shape == Shape::sign_half) {
                if (units == 0) break;
                *out++ = static_cast<char>(*p++);
                --units;
            }
            detail::unpack_digits(p, units % 2 != 0 && odd == Align::right ? 1 : 0, units, out);
            break;
        case Encoding::hex:
        case Encoding::hex_ebcdic: {
            const auto& table = encoding == Encoding::hex ? detail::hex_of_ascii : detail::hex_of_ebcdic;
            for (std::size_t i = 0; i < units; ++i)
                out[i] = static_cast<char>((table[p[2 * i]] & 0xF) << 4 | (table[p[2 * i + 1]] & 0xF));
            break;
        }
    }
    // Content that is no track data (read leniently) is left as it came.
    const auto* text = reinterpret_cast<const std::uint8_t*>(out);
    if (content == Content::z && encoding != Encoding::bcd &&
        detail::all_in_class(detail::ascii_classes, content, text, units))
        for (std::size_t i = 0; i < units; ++i)
            if (out[i] == 'D') out[i] = '=';
}

}  // namespace iso8583
