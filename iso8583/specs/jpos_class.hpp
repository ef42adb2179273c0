// The names of jPOS field packager classes: what they say of a field, and which one a field needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "iso8583/field_spec.hpp"

namespace iso8583::specs {

/// A class name taken apart: IF A _ LL H CHAR → text of that alphabet, two letters of length, binary length,
/// characters.
struct FieldClass {
    FieldSpec spec;  // content, encoding, prefix, padding
    bool bitmap = false;
    bool absent = false;  // IF_NOP: takes no bytes
    bool whole = false;   // IF.F…: a length prefix, and always the whole length
    std::uint8_t tag_size = 0;
};

/// `pad_left`: the pad attribute is true; `field` tells tracks from other numbers. nullopt: a class that is
/// not mapped.
std::optional<FieldClass> parse_field_class(std::string_view name, bool pad_left, int field);

/// The class that reads what the field writes; empty when there is none.
std::string class_name_of(const FieldSpec& f);

}  // namespace iso8583::specs
