// BER-TLV as EMV uses it in DE55: tags of up to 4 bytes, definite lengths of up to 4 bytes, nested to a
// bound. Parsing copies nothing: nodes point into the caller's bytes and live as long as they do. Unknown
// tags are nodes like all others; replacing one value leaves every other byte as it was. Source: ISO/IEC
// 8825-1 clause 8.1, EMV 4.3 book 3 annex B.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/field_spec.hpp"
#include "iso8583/values/bytes.hpp"

namespace iso8583 {

inline constexpr int tlv_depth_max = 8;
inline constexpr std::size_t tlv_nodes_max = 512;

struct TlvNode {
    std::uint32_t tag = 0;  // as its bytes: 0x9F02
    int depth = 0;          // 0 for the outermost
    std::size_t begin = 0;  // of the tag, from the start of the parsed bytes
    std::size_t value_begin = 0;
    ByteView value;
    [[nodiscard]] bool constructed() const;
};

struct TlvError {
    enum class Kind : std::uint8_t {
        truncated_tag,
        long_tag,
        truncated_length,
        long_length,
        indefinite_length,
        truncated_value,
        too_deep,
        too_many
    };
    Kind kind = Kind::truncated_tag;
    std::string path;        // "70.9F02"; of the innermost tag that is known
    std::size_t offset = 0;  // from the start of the parsed bytes
    std::size_t needed = 0;
    std::size_t found = 0;
    [[nodiscard]] std::string str() const;
};

/// All nodes in the order they stand, each constructed one before what it holds. Bytes 00 between nodes are
/// skipped.
Result<std::vector<TlvNode>, TlvError> parse_ber_tlv(ByteView bytes);

/// The first node at "9F02" or "70.5A"; nullptr when there is none.
const TlvNode* find_tlv(std::span<const TlvNode> nodes, std::string_view path);

/// Appends tag, shortest length and value.
void append_tlv(std::uint32_t tag, ByteView value, Bytes& out);

/// `bytes` with the value at `path` replaced, or appended where its parent ends; parents' lengths follow. All
/// other bytes stay. An error when `bytes` are no TLV, a parent is missing, or `path` is no list of tags.
Result<Bytes> with_tlv(ByteView bytes, std::string_view path, ByteView value);

/// "9F02"; and back: 1 to 4 bytes of hex that are one tag by the rules of BER.
std::string tag_str(std::uint32_t tag);
Result<std::uint32_t> parse_tag(std::string_view hex);

/// "amount, authorised (numeric)"; empty when the tag is not known.
std::string_view tag_name(std::uint32_t tag);
Secret tag_secret(std::uint32_t tag);

}  // namespace iso8583
