#include "iso8583/specs/jpos_class.hpp"

#include <algorithm>

#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

namespace {

bool take(std::string_view& text, std::string_view word) {
    if (text.substr(0, word.size()) != word) return false;
    text.remove_prefix(word.size());
    return true;
}

void fill_up(FieldSpec& f, Align align, char c) {
    if (!f.fixed()) return;
    f.fills = true;
    f.fill_align = align;
    f.fill = c;
}

/// The letters of a class name before its length.
struct Alphabet {
    bool ascii, packed, ebcdic;
    bool mixed;          // EBCDIC lengths before packed digits
    bool binary_length;  // H
};

/// What stands behind the length: NUM, CHAR, AMOUNT, BINARY. False when it is none of them.
bool read_content_word(std::string_view name, const Alphabet& in, bool pad_left, int field, FieldSpec& f) {
    // An amount of 2003 is currency, decimals and digits in one number.
    if (f.fixed() && in.packed && name == "AMOUNT2003") name = "NUMERIC";
    const bool number = name == "NUM" || name == "NUMERIC" || (in.ascii && !f.fixed() && name == "BNUM");
    if (number) {
        f.content = usual_number(field);
        f.encoding = in.packed || in.mixed || name == "BNUM" ? Encoding::bcd
                     : in.ebcdic                             ? Encoding::ebcdic
                                                             : Encoding::ascii;
        f.odd = f.encoding == Encoding::bcd && !pad_left ? Align::left : Align::right;
        if (f.content == Content::n) fill_up(f, Align::right, '0');
        return true;
    }
    if (name == "CHAR" || (in.packed && in.binary_length && name == "ECHAR")) {
        f.content = Content::ans;
        f.encoding = in.ebcdic || name == "ECHAR" ? Encoding::ebcdic : Encoding::ascii;
        fill_up(f, Align::left, ' ');
        return true;
    }
    if (name == "AMOUNT" && f.fixed()) {
        f.content = Content::xn;
        f.encoding = in.packed ? Encoding::bcd : in.ebcdic ? Encoding::ebcdic : Encoding::ascii;
        return true;
    }
    if (name == "BINARY" || (in.ascii && !f.fixed() && name == "ABINARY")) {
        f.content = Content::b;
        const bool hex = name == "ABINARY" || (in.ascii && f.fixed());
        f.encoding = hex ? Encoding::hex : in.ebcdic && f.fixed() ? Encoding::hex_ebcdic : Encoding::binary;
        return true;
    }
    return false;
}

}  // namespace

std::optional<FieldClass> parse_field_class(std::string_view name, bool pad_left, int field) {
    name.remove_prefix(std::min(name.size(), name.rfind('.') + 1));
    FieldClass out;
    FieldSpec& f = out.spec;
    if (!take(name, "IF")) return std::nullopt;
    if (name == "_NOP") {
        out.absent = true;
        return out;
    }
    if (name == "_CHAR") {
        fill_up(f, Align::left, ' ');
        return out;
    }
    // A ASCII, B BCD and binary, E EBCDIC, EB EBCDIC lengths before packed digits.
    const bool mixed = take(name, "EB_");
    const bool ascii = !mixed && take(name, "A_");
    const bool packed = !mixed && !ascii && take(name, "B_");
    const bool ebcdic = mixed || (!ascii && !packed && take(name, "E_"));
    if (!ascii && !packed && !ebcdic) return std::nullopt;
    while (name.size() > 4 && name.front() == 'T') {
        name.remove_prefix(1);
        ++out.tag_size;
    }
    // FLLCHAR: always the whole length, and a prefix that says so.
    const bool whole = name.size() > 2 && name.substr(0, 2) == "FL";
    if (whole) name.remove_prefix(1);
    out.whole = whole;
    std::uint8_t ls = 0;
    while (take(name, "L")) ++ls;
    if (ls > prefix_digits_max) return std::nullopt;
    // H: the length is binary; L LLL is counted in bytes: LLH is one byte, LLLH two.
    const bool binary_length = ls > 0 && name != "HEX" && take(name, "H");
    f.prefix_size = ls;
    if (ls > 0) f.prefix = ascii ? Prefix::ascii : ebcdic ? Prefix::ebcdic : Prefix::bcd;
    if (binary_length) {
        if (ls < 2 || ls > 3) return std::nullopt;
        f.prefix = Prefix::binary;
        f.prefix_size = static_cast<std::uint8_t>(ls - 1);
    }
    if (name == "BITMAP") {
        out.bitmap = true;
        f.encoding = ascii ? Encoding::hex : packed ? Encoding::binary : Encoding::hex_ebcdic;
        return out;
    }
    if (!read_content_word(name, {ascii, packed, ebcdic, mixed, binary_length}, pad_left, field, f))
        return std::nullopt;
    return out;
}

std::string class_name_of(const FieldSpec& f) {
    const bool text = f.content != Content::n && f.content != Content::z && f.content != Content::b &&
                      f.content != Content::xn;
    const bool ebcdic = f.encoding == Encoding::ebcdic || f.encoding == Encoding::hex_ebcdic;
    std::string content = text                       ? "CHAR"
                          : f.content == Content::b  ? "BINARY"
                          : f.content == Content::xn ? "AMOUNT"
                          : f.fixed()                ? "NUMERIC"
                                                     : "NUM";
    if (f.counts == Counts::wire || f.odd_filler != 0) return {};
    if (f.fixed()) {
        if (text && !ebcdic) return "IF_CHAR";
        const bool packed = f.encoding == Encoding::bcd || f.encoding == Encoding::binary;
        return (packed ? "IFB_" : ebcdic ? "IFE_" : "IFA_") + content;
    }
    std::string ls(f.prefix_size, 'L');
    if (f.content == Content::xn) return {};
    switch (f.prefix) {
        case Prefix::binary:
            if (f.encoding == Encoding::hex || f.encoding == Encoding::hex_ebcdic ||
                (f.encoding == Encoding::ascii && !text))
                return {};
            return "IFB_" + ls + "LH" + (text && ebcdic ? "ECHAR" : content);
        case Prefix::bcd:
            if (ebcdic || f.encoding == Encoding::hex) return {};
            // Track data that is not packed travels as characters.
            if (f.encoding == Encoding::ascii && f.content == Content::z) return "IFB_" + ls + "CHAR";
            if (f.encoding == Encoding::ascii && !text) return {};
            return "IFB_" + ls + content;
        case Prefix::ascii:
            if (ebcdic) return {};
            if (f.encoding == Encoding::hex) return "IFA_" + ls + "ABINARY";
            return "IFA_" + ls + (f.encoding == Encoding::bcd ? "BNUM" : content);
        case Prefix::ebcdic:
            if (f.encoding == Encoding::bcd) return "IFEB_" + ls + content;
            if (f.encoding == Encoding::ascii || f.encoding == Encoding::hex ||
                f.encoding == Encoding::hex_ebcdic)
                return {};
            return "IFE_" + ls + content;
        case Prefix::none:
            break;
    }
    return {};
}

}  // namespace iso8583::specs
