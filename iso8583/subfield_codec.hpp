// The parts of the subfield codec that its files share: one subfield, and each kind of list. Not for others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "iso8583/subfields.hpp"

namespace iso8583::detail {

using Values = std::vector<SubfieldValue>;

inline constexpr std::size_t dataset_elements_max = 128;

const Subfield* find_sub(const SubfieldSet& set, std::string_view id);
/// Reads one subfield's prefix and content at `at`, which moves behind it.
Result<SubfieldValue, CodecError> read_one(const Subfield& sub, std::string_view content, std::size_t& at);
Result<void, CodecError> write_one(const Subfield& sub, const SubfieldValue& value, std::string& out);

/// Bytes of a tag on the wire, and the wire form of an id.
std::size_t tag_bytes(const SubfieldSet& set);
std::string tag_wire(const SubfieldSet& set, const std::string& id);
Result<Values, CodecError> parse_tagged(const SubfieldSet& set, std::string_view content);
Result<std::string, CodecError> format_tagged(const SubfieldSet& set, const Values& values);

Result<Values, CodecError> parse_tlv(const SubfieldSet& set, std::string_view content);
Result<void, CodecError> format_tlv(const Values& values, Bytes& out);

Result<Values, CodecError> parse_datasets(const SubfieldSet& set, std::string_view content);
Result<std::string, CodecError> format_datasets(const SubfieldSet& set, const Values& values);

}  // namespace iso8583::detail
