#include "iso8583/field_spec.hpp"

#include <array>

#include <fmt/format.h>

#include "iso8583/subfields.hpp"

namespace iso8583 {

std::string SpecError::str() const { return field == 0 ? what : fmt::format("DE{}: {}", field, what); }

Unit unit_of(Content content) {
    switch (content) {
        case Content::n:
        case Content::z:
            return Unit::digits;
        case Content::b:
            return Unit::bytes;
        case Content::a:
        case Content::an:
        case Content::ns:
        case Content::ans:
        case Content::ansg:
        case Content::xn:
            break;
    }
    return Unit::characters;
}
std::string_view name_of(Unit unit) {
    static constexpr std::array<std::string_view, 3> names{"digits", "characters", "bytes"};
    return names[static_cast<std::size_t>(unit)];
}
std::string_view name_of(Content content) {
    static constexpr std::array<std::string_view, 9> names{"n",    "a", "an", "ns", "ans",
                                                           "ansg", "z", "b",  "x+n"};
    return names[static_cast<std::size_t>(content)];
}
std::string_view name_of(Encoding encoding) {
    static constexpr std::array<std::string_view, 6> names{"ascii",  "ebcdic", "bcd",
                                                           "binary", "hex",    "hex-ebcdic"};
    return names[static_cast<std::size_t>(encoding)];
}
std::string_view name_of(Prefix prefix) {
    static constexpr std::array<std::string_view, 5> names{"none", "ascii", "ebcdic", "bcd", "binary"};
    return names[static_cast<std::size_t>(prefix)];
}

std::size_t wire_bytes(const FieldSpec& spec, std::size_t units) {
    switch (spec.encoding) {
        case Encoding::bcd:
            // The sign of x+n is a character of its own.
            return spec.content == Content::xn && units > 0 ? 1 + units / 2 : (units + 1) / 2;
        case Encoding::hex:
        case Encoding::hex_ebcdic:
            return 2 * units;
        case Encoding::ascii:
        case Encoding::ebcdic:
        case Encoding::binary:
            break;
    }
    return units;
}

std::size_t prefix_values(Prefix prefix, std::uint8_t size) {
    std::size_t values = 1;
    for (int i = 0; i < size; ++i) values *= prefix == Prefix::binary ? 256 : 10;
    return values;
}

namespace {

std::string encoding_fault(const FieldSpec& s) {
    const bool bytes = s.content == Content::b;
    switch (s.encoding) {
        case Encoding::ascii:
        case Encoding::ebcdic:
            if (bytes)
                return fmt::format("content b cannot be written as {}; binary, hex or hex-ebcdic can",
                                   name_of(s.encoding));
            break;
        case Encoding::bcd:
            if (s.content != Content::n && s.content != Content::z && s.content != Content::xn)
                return fmt::format("bcd holds digits (n, z, x+n), not content {}", name_of(s.content));
            break;
        case Encoding::binary:
        case Encoding::hex:
        case Encoding::hex_ebcdic:
            if (!bytes)
                return fmt::format("{} holds bytes (content b), not content {}", name_of(s.encoding),
                                   name_of(s.content));
            break;
    }
    if (s.content == Content::ansg && s.encoding == Encoding::ebcdic)
        return "content ansg is a code beside ASCII and cannot be written as ebcdic";
    return {};
}

std::string length_fault(const FieldSpec& s) {
    if (s.max == 0) return "a field needs a length of at least 1";
    if (s.max > field_units_max) return fmt::format("length {} is above {}", s.max, field_units_max);
    if (s.min > s.max) return fmt::format("its least length {} is above its greatest {}", s.min, s.max);
    if (s.fixed()) {
        if (s.prefix_size != 0) return "a fixed length has no length prefix";
        if (s.min != s.max && !s.rest)
            return fmt::format("a fixed length cannot vary from {} to {}; a length prefix is missing", s.min,
                               s.max);
        if (s.counts == Counts::wire)
            return "a fixed length has no prefix that could count bytes on the wire";
    } else {
        if (s.fills) return "only a fixed length is filled up";
        const int size_max = s.prefix == Prefix::binary ? 2 : prefix_digits_max;
        if (s.prefix_size < 1 || s.prefix_size > size_max)
            return fmt::format("a {} length prefix of size {}; 1 to {} can be", name_of(s.prefix),
                               s.prefix_size, size_max);
        const std::size_t longest = s.counts == Counts::wire ? wire_bytes(s, s.max) : s.max;
        if (longest >= prefix_values(s.prefix, s.prefix_size))
            return fmt::format("length {} does not fit a length prefix of {} {} {}", longest, s.prefix_size,
                               name_of(s.prefix), s.prefix == Prefix::binary ? "bytes" : "digits");
    }
    return {};
}

std::string padding_fault(const FieldSpec& s) {
    if (s.odd_filler != 0 && s.odd_filler != 15) return "the filler of an odd digit is nibble 0 or F";
    if (s.odd_filler != 0 && s.encoding != Encoding::bcd) return "only bcd has an odd digit to fill up";
    if (s.content == Content::xn) {
        if (s.min < 2) return "x+n needs a sign and a digit";
        if (s.encoding == Encoding::bcd && (s.max % 2 == 0 || !s.fixed()))
            return "x+n in bcd needs a fixed, even number of digits after its sign";
        if (s.fills) return "x+n cannot be filled up: its sign comes first";
    }
    if (s.counts == Counts::wire && s.encoding == Encoding::bcd && s.odd_filler == 0 && s.min % 2 != 0 &&
        s.min == s.max)
        return "an odd number of digits cannot be told from a prefix that counts bytes, unless the filler is "
               "F";
    if (s.fills && s.content == Content::n && s.fill != '0') return "digits are filled up with 0";
    if (s.fills && s.content == Content::b && s.fill != '\0') return "bytes are filled up with 00";
    return {};
}

}  // namespace

std::string composition_fault(const FieldSpec& s) {
    for (auto check : {encoding_fault, length_fault, padding_fault})
        if (std::string what = check(s); !what.empty()) return what;
    return {};
}

Result<void, SpecError> check_field_spec(const FieldSpec& s) {
    const auto fault = [&](std::string what) { return tl::unexpected(SpecError{s.number, std::move(what)}); };
    if (s.number < 2 || s.number > field_number_max)
        return fault(fmt::format("field numbers are 2 to {} (0 is the MTI, 1 the bitmap)", field_number_max));
    if (std::string what = composition_fault(s); !what.empty()) return fault(std::move(what));
    if (s.rest) return fault("only a subfield can take the rest of its field");
    if (s.subfields) return check_subfields(*s.subfields, s.number);
    return {};
}

}  // namespace iso8583
