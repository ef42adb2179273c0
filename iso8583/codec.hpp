// The codec's entry points: one decoder loop and one encoder loop over any dialect's table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "iso8583/dialect.hpp"
#include "iso8583/field_values.hpp"
#include "iso8583/message.hpp"
#include "iso8583/values/bytes.hpp"

namespace iso8583 {

/// What a strict decode or encode found wrong, and where; never a byte of content.
struct CodecError {
    enum class Kind : std::uint8_t {
        truncated,            // fewer bytes than the field needs
        trailing_bytes,       // bytes after the last field
        bad_mti,
        bad_bitmap,           // not hex where hex is needed, or a bit for a field the dialect does not have
        bad_length,           // a length prefix that is no number of its encoding
        over_long,            // longer than the field's maximum
        under_long,           // shorter than its minimum, or not its fixed length
        bad_character,        // content outside the field's class
        unknown_field,        // encode: a field the dialect does not have
        message_too_long
    };
    Kind kind = Kind::truncated;
    int field = 0;            // data element number; 0 MTI, 1 bitmap
    std::string path;         // "55.9F02" where it is deeper than the field
    std::size_t offset = 0;   // bytes from the start of the body
    std::size_t needed = 0;   // bytes (truncated), units (lengths)
    std::size_t found = 0;
    /// "DE35 track 2 at offset 61: 19 bytes needed, 4 there"
    [[nodiscard]] std::string str() const;
};

/// Decodes a message body (MTI … last field). The message owns the bytes. Zero-copy: offsets only.
/// `partial`, when given, receives what decoded before an error (for describe and for the 30 answer).
Result<Message, CodecError> decode(const Dialect& dialect, Bytes body, Message* partial = nullptr);

/// An encoded body and where its MAC field's content begins, when the values have DE64 or DE128.
struct EncodedMessage {
    Bytes body;
    std::optional<std::size_t> mac_offset;
    /// What the MAC is computed over: everything before the MAC field.
    [[nodiscard]] ByteView mac_input() const { return ByteView(body).first(mac_offset.value_or(body.size())); }
};

/// Encodes; validates as strictly as decode. For a MAC set the field to 8 zero bytes, then write_mac.
Result<EncodedMessage, CodecError> encode(const Dialect& dialect, const FieldValues& values);

/// Puts 8 bytes of MAC where mac_offset says, as the dialect writes binary fields (raw or hex).
void write_mac(const Dialect& dialect, EncodedMessage& message, ByteView mac8);

}  // namespace iso8583
