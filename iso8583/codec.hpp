// The codec's entry points: one decoder loop and one encoder loop over any dialect's table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/dialect.hpp"
#include "iso8583/field_values.hpp"
#include "iso8583/message.hpp"
#include "iso8583/values/bytes.hpp"

namespace iso8583 {

/// What a strict decode or encode found wrong, and where; never a byte of content.
struct CodecError {
    enum class Kind : std::uint8_t {
        truncated,       // the message ends before the field does
        trailing_bytes,  // bytes after the last field
        bad_mti,
        bad_bitmap,     // not hex where hex is needed
        lying_bitmap,   // a bit for a field the dialect does not have
        bad_length,     // a length prefix that is no number of its encoding
        lying_length,   // a length prefix that says more than is left
        over_long,      // longer than the field's maximum
        under_long,     // shorter than its minimum, or not its fixed length
        bad_character,  // content outside the field's class
        unknown_field,  // encode: a field the dialect does not have
        message_too_long
    };
    Kind kind = Kind::truncated;
    int field = 0;           // data element number; 0 MTI, 1 bitmap
    std::string path;        // "55.9F02" where it is deeper than the field
    std::string name;        // of the field, when the dialect knows it
    std::size_t offset = 0;  // bytes from the start of the body
    std::size_t needed = 0;  // bytes (truncated, lying_length), units (lengths)
    std::size_t found = 0;
    std::string_view unit = {};  // over_long, under_long: "digits", "characters" or "bytes"
    // bad_character: which characters the field takes, and of which sort the one there is. Fixed words.
    std::string_view class_needed = {};
    std::string_view class_there = {};
    /// "DE35 track 2 at offset 61: 19 bytes needed, 4 there"
    [[nodiscard]] std::string str() const;
    /// Of a subfield or tag; its field's number is set by who knows it.
    static CodecError inside(Kind kind, std::string path, std::size_t offset, std::size_t needed,
                             std::size_t found, std::string name = {});
};
/// "lying-length": stable, for scripts.
std::string_view name_of(CodecError::Kind kind);

/// Bodies above this are refused: offsets are 16 bits, and packed digits double when they are unpacked.
inline constexpr std::size_t message_bytes_max = 0x7FFF;

struct DecodeOptions {
    /// Content outside its field's class is noted in `warnings` instead of being an error (describe); the
    /// switch leaves this off.
    bool content_warnings = false;
    std::vector<CodecError>* warnings = nullptr;
};

/// Decodes a message body (MTI … last field). The message owns the bytes. Zero-copy: offsets only.
/// `partial`, when given, receives what decoded before an error (for describe and for the 30 answer).
/// An error in a field whose end is certain (content outside its class, a length out of bounds) is reported,
/// first one first, and decoding goes on: `partial` then has all fields but the wrong ones. Other errors end
/// it there.
Result<Message, CodecError> decode(const Dialect& dialect, Bytes body, Message* partial = nullptr);
Result<Message, CodecError> decode(const Dialect& dialect, Bytes body, const DecodeOptions& options,
                                   Message* partial = nullptr);
/// The same without an allocation: `message` and its memory are reused, and `body` gets the message's old
/// buffer. After an error `message` is what `partial` would be.
std::optional<CodecError> decode_into(const Dialect& dialect, Bytes& body, Message& message,
                                      const DecodeOptions& options = {});

/// An encoded body and where its MAC field's content begins, when the values have DE64 or DE128.
struct EncodedMessage {
    Bytes body;
    std::optional<std::size_t> mac_offset;
    Field mac_field = Field::mac_primary;  // which of the two, when there is one
    /// What the MAC is computed over: everything before the MAC field.
    [[nodiscard]] ByteView mac_input() const {
        return ByteView(body).first(mac_offset.value_or(body.size()));
    }
};

/// Encodes; validates as strictly as decode. For a MAC set the field to 8 zero bytes, then write_mac.
Result<EncodedMessage, CodecError> encode(const Dialect& dialect, const FieldValues& values);

/// The same without an allocation once `out` has grown: its memory is reused. After an error `out` is empty.
std::optional<CodecError> encode_into(const Dialect& dialect, const FieldValues& values, EncodedMessage& out);

/// Puts 8 bytes of MAC where mac_offset says, as the dialect writes binary fields (raw or hex).
void write_mac(const Dialect& dialect, EncodedMessage& message, ByteView mac8);

}  // namespace iso8583
