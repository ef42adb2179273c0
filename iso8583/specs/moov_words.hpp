// The words of moov-io/iso8583 JSON specs for lengths and encodings, both ways.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "iso8583/field_spec.hpp"

namespace iso8583::specs {

/// "ASCII.LL", "Hex.Fixed", "BerTLV".
struct PrefixName {
    Prefix prefix = Prefix::none;
    std::uint8_t size = 0;
    bool tlv = false;
};

/// nullopt: a prefix that is not mapped.
std::optional<PrefixName> parse_moov_prefix(std::string_view name);
/// Content and encoding of a field from its type and "enc". Empty, or what is not mapped: the type, or the
/// encoding "of a" type.
std::string apply_moov_content(FieldSpec& f, std::string_view type, std::string_view enc);

/// ascii, ebcdic or bcd, of a message type indicator or a tag.
std::optional<Encoding> parse_moov_text(std::string_view enc);

std::string moov_prefix_of(const FieldSpec& f);
/// Empty for an encoding that has no word there.
std::string moov_encoding_of(const FieldSpec& f);

}  // namespace iso8583::specs
