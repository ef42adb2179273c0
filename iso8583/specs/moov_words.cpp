#include "iso8583/specs/moov_words.hpp"

#include <fmt/format.h>

#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

std::optional<PrefixName> parse_moov_prefix(std::string_view name) {
    PrefixName p;
    if (name == "BerTLV") {
        p.tlv = true;
        return p;
    }
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view kind = name.substr(0, dot);
    const std::string_view ls = name.substr(dot + 1);
    const bool ebcdic = kind == "EBCDIC" || kind == "EBCDIC1047";
    const bool known = ebcdic || kind == "ASCII" || kind == "BCD" || kind == "Binary";
    if (ls == "Fixed") return known || kind == "Hex" || kind == "None" ? std::optional(p) : std::nullopt;
    if (!known || ls.empty() || ls.size() > prefix_digits_max ||
        ls.find_first_not_of('L') != std::string_view::npos)
        return std::nullopt;
    p.prefix = kind == "ASCII" ? Prefix::ascii
               : kind == "BCD" ? Prefix::bcd
               : ebcdic        ? Prefix::ebcdic
                               : Prefix::binary;
    p.size = static_cast<std::uint8_t>(ls.size());
    return p;
}

std::string apply_moov_content(FieldSpec& f, std::string_view type, std::string_view enc) {
    if (type == "String" || type == "Track1")
        f.content = Content::ans;
    else if (type == "Numeric")
        f.content = Content::n;
    else if (type == "Binary" || type == "Hex")
        f.content = Content::b;
    else if (type == "Track2" || type == "Track3")
        f.content = Content::z;
    else
        return fmt::format("\"{}\" is not mapped", type);
    const bool text = f.content != Content::b;
    if (enc == "ASCII" && text) {
        f.encoding = Encoding::ascii;
    } else if ((enc == "EBCDIC" || enc == "EBCDIC1047") && text) {
        f.encoding = Encoding::ebcdic;
    } else if ((enc == "BCD" || enc == "LBCD" || enc == "BCDTrack2" || enc == "Track2BCD") && text) {
        f.encoding = Encoding::bcd;
        f.odd = enc == "BCD" ? Align::right : Align::left;
        if (f.content == Content::ans) f.content = f.number == 0 ? Content::n : usual_number(f.number);
    } else if (enc == "Binary") {
        // Text sent as it is, or bytes.
        f.encoding = text ? Encoding::ascii : Encoding::binary;
    } else if (enc == "HexToASCII" || enc == "BytesToASCIIHex" || enc == "Hex") {
        // A String so encoded holds bytes.
        f.content = Content::b;
        f.encoding = Encoding::hex;
    } else if (enc == "ASCIIToHex" || enc == "ASCIIHexToBytes") {
        f.content = Content::b;
        f.encoding = Encoding::binary;
    } else {
        return fmt::format("\"{}\" of a {} is not mapped", enc, type);
    }
    return {};
}

std::optional<Encoding> parse_moov_text(std::string_view enc) {
    if (enc == "ASCII") return Encoding::ascii;
    if (enc == "EBCDIC" || enc == "EBCDIC1047") return Encoding::ebcdic;
    if (enc == "BCD" || enc == "LBCD") return Encoding::bcd;
    return std::nullopt;
}

std::string moov_prefix_of(const FieldSpec& f) {
    if (!f.fixed()) {
        const std::string ls(f.prefix_size, 'L');
        switch (f.prefix) {
            case Prefix::ascii:
                return "ASCII." + ls;
            case Prefix::ebcdic:
                return "EBCDIC." + ls;
            case Prefix::bcd:
                return "BCD." + ls;
            case Prefix::binary:
                return "Binary." + ls;
            case Prefix::none:
                break;
        }
    }
    switch (f.encoding) {
        case Encoding::ascii:
            return "ASCII.Fixed";
        case Encoding::ebcdic:
            return "EBCDIC.Fixed";
        case Encoding::bcd:
            return "BCD.Fixed";
        case Encoding::binary:
            return "Binary.Fixed";
        case Encoding::hex:
        case Encoding::hex_ebcdic:
            return "Hex.Fixed";
    }
    return {};
}

std::string moov_encoding_of(const FieldSpec& f) {
    switch (f.encoding) {
        case Encoding::ascii:
            return "ASCII";
        case Encoding::ebcdic:
            return "EBCDIC1047";
        case Encoding::bcd:
            return f.odd == Align::right ? "BCD" : "LBCD";
        case Encoding::binary:
            return "Binary";
        case Encoding::hex:
            return "HexToASCII";
        case Encoding::hex_ebcdic:
            break;
    }
    return {};
}

}  // namespace iso8583::specs
