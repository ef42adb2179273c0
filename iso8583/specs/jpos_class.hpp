// The field packager classes of jPOS: what each says of a field, and which one a field needs. One table, read
// by the reader, the writer and `iso8583 classes`, so that the page on dialects cannot say something else.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "iso8583/field_spec.hpp"

namespace iso8583::specs {

/// A class as it is read: content, encoding, prefix and padding of a field.
struct FieldClass {
    FieldSpec spec;
    bool bitmap = false;
    bool absent = false;  // takes no bytes
    bool whole = false;   // a length prefix, and always the whole length
    bool half = false;    // its length counts hex digits of bytes
    std::uint8_t tag_size = 0;
    Encoding tag_encoding = Encoding::ascii;
    bool length_first = false;  // the length stands before the tag and counts it
    std::string note;           // how it is read, where that is not all it says
};

/// Why a class is not read.
struct ClassRefusal {
    std::string reason;
};

/// `pad_left`: the pad attribute is true; `field` tells tracks from other numbers.
Result<FieldClass, ClassRefusal> parse_field_class(std::string_view name, bool pad_left, int field);

/// The class, with its package, that reads what the field writes; empty when there is none. `tag_size`, its
/// encoding and `length_first`: inside a tagged field.
std::string class_name_of(const FieldSpec& f, std::uint8_t tag_size = 0,
                          Encoding tag_encoding = Encoding::ascii, bool length_first = false);

}  // namespace iso8583::specs
