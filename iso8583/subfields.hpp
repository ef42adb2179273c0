// Subfields: what stands inside a field, as data. Positional ones (DE60, DE61, DE90), BER-TLV (DE55), tagged
// ones (a fixed tag, then a value with a length), and a bitmap of its own (as some private fields have).
//
// They are read from and written to the field's canonical content (field_values.hpp). A path names one from
// outside to inside: "55.9F02", "60.2", "127.25.3". Errors carry that path and the offset in the message.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/field_spec.hpp"

namespace iso8583 {

inline constexpr int subfield_depth_max = 8;

struct Subfield {
    std::string id;  // "2", "9F02", "ab": what the path says
    FieldSpec spec;  // its number is not used
};

struct SubfieldSet {
    enum class Kind : std::uint8_t {
        positional,  // one after the other; the last ones may be absent
        ber_tlv,     // any tag; `fields` may be empty
        tagged,      // tag of tag_size characters, then the subfield with its own length
        bitmap,      // bitmap of bitmap_bytes, then the subfields it announces, ids "1", "2" …
        dataset  // datasets of 2003: identifier (a byte), length (two), then BER-TLV (up to 70) or a bitmap
                 // of datasets and the elements it announces, ids "1", "2" …; a path is "49.71.3", and
                 // "49.71.0x23" of a tag after them that is written like an element of the table
    };
    Kind kind = Kind::positional;
    std::vector<Subfield> fields;  // in the order they stand (positional, bitmap), or of their tags
    std::uint8_t tag_size = 0;     // characters of a tag (tagged)
    Encoding tag_encoding =
        Encoding::ascii;  // ascii, ebcdic; bcd and binary: two characters of the id a byte
    // tagged: the length prefix of a tag that is not in the list, whose value is bytes and is kept; none:
    // such a tag is refused.
    Prefix unknown_prefix = Prefix::none;
    std::uint8_t unknown_prefix_size = 0;
    // tagged: length, tag, value instead of tag, length, value, and the length counts the tag. All have the
    // length of unknown ones then.
    bool length_first = false;
    std::uint8_t lead = 0;  // tagged: so many of the first fields stand before the tags and have none
    std::uint8_t bitmap_bytes = 8;
    BitmapEncoding bitmap_encoding = BitmapEncoding::binary;
    bool bitmap_extends = false;   // bit 1 announces that many bytes more (and is no subfield)
    std::uint16_t only_units = 0;  // the field is divided so only when it has this length; 0: always
};

/// What is inside a set of the same field: nothing wrong, or which subfield cannot be, and why.
Result<void, SpecError> check_subfields(const SubfieldSet& set, int field, int depth = 0);

struct SubfieldValue {
    std::string id;
    std::string name;
    Content content_class = Content::ans;
    Secret secret = Secret::none;
    std::size_t offset = 0;  // of its content in the parent's canonical content
    std::size_t size = 0;    // bytes there
    std::string content;     // canonical; constructed TLV: its bytes
    std::vector<SubfieldValue> inside;
};

/// `offset` of an error counts within `content`; its path is without the field's number.
Result<std::vector<SubfieldValue>, CodecError> parse_subfields(const SubfieldSet& set,
                                                               std::string_view content);
/// Subfields in any order, each id once; ber_tlv and tagged: in the order given, an id as often as it is.
/// Writes canonical content of the field.
Result<std::string, CodecError> format_subfields(const SubfieldSet& set,
                                                 const std::vector<SubfieldValue>& values);

/// The subfields of a field of a message, errors with whole path and offset in the body. Empty when it has
/// none.
Result<std::vector<SubfieldValue>, CodecError> subfields_of(const Message& message, Field f);
/// Canonical content at "2" or "55.9F02".
Result<std::string, CodecError> get_path(const Message& message, std::string_view path);
Result<std::string, CodecError> get_path(const Dialect& dialect, const FieldValues& values,
                                         std::string_view path);
/// Sets it. What else is in the field stays; a positional one before it must already be there.
Result<void, CodecError> set_path(const Dialect& dialect, FieldValues& values, std::string_view path,
                                  std::string_view content);

}  // namespace iso8583
