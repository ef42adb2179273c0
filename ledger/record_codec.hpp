// The envelope of every stored record: a version byte, fields without tags, numbered properties, a CRC-32C.
// Do not change the bytes: docs/ledger_format.md, "Record envelope".
//
//     version     u8, from 1
//     fields      u8 and fixed integers big-endian; varint LEB128; svarint zigzag + LEB128; text, bytes:
//     varint
//                 length
//     properties  from version 2 on: number (varint, rising), length (varint), that many bytes
//     crc32c      4 bytes big-endian, over everything before it
//
// A record kind's fields stay as they are; what comes later is a property under the kind's next free number.
// A reader keeps the properties that it does not know, and their owner writes them back: a record that a
// newer program wrote loses nothing in an older one. Writer and reader never throw and own nothing but the
// writer's buffer; the reader's views point into its input.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"
#include "iso8583/values/result.hpp"

namespace ledger {

/// Of all record kinds in format 2 of the ledger: fields, then properties.
inline constexpr std::uint8_t property_record_version = 2;

class RecordWriter {
  public:
    explicit RecordWriter(std::uint8_t version);
    RecordWriter(const RecordWriter&) = delete;
    RecordWriter& operator=(const RecordWriter&) = delete;

    void u8(std::uint8_t v) { *room(1) = static_cast<char>(v); }
    void boolean(bool v) { u8(v ? 1 : 0); }
    void u16(std::uint16_t v) { fixed<2>(v); }
    void u32(std::uint32_t v) { fixed<4>(v); }
    void u64(std::uint64_t v) { fixed<8>(v); }
    void varint(std::uint64_t v) {
        while (v >= 0x80) {
            u8(static_cast<std::uint8_t>((v & 0x7F) | 0x80));
            v >>= 7;
        }
        u8(static_cast<std::uint8_t>(v));
    }
    void svarint(std::int64_t v) {
        const auto bits = static_cast<std::uint64_t>(v);
        varint((bits << 1) ^ (v < 0 ? ~std::uint64_t{0} : 0));
    }
    void text(std::string_view v) {
        varint(v.size());
        append(v);
    }
    void bytes(iso8583::ByteView v) { text(iso8583::as_text(v)); }
    /// Without a length: the reader must know it.
    void fixed_bytes(iso8583::ByteView v) { append(iso8583::as_text(v)); }
    /// A text of at most `size` bytes that takes size + 1: its length and zeros behind it.
    void padded_text(std::string_view v, std::size_t size) {
        ENSURE(v.size() <= size && size <= 0xFF);
        char* at = room(size + 1);
        std::memset(at, 0, size + 1);
        *at = static_cast<char>(v.size());
        if (!v.empty()) std::memcpy(at + 1, v.data(), v.size());
    }

    /// A property whose whole value is this. Numbers must rise within a record.
    void property(std::uint32_t number, std::string_view value) {
        next_property(number);
        text(value);
    }
    /// The same, but nothing at all for an empty value.
    void property_unless_empty(std::uint32_t number, std::string_view value) {
        if (!value.empty()) property(number, value);
    }
    /// A property of several fields: those written until end_property(). They do not nest.
    void begin_property(std::uint32_t number) {
        next_property(number);
        u8(0);  // the length, when it has one byte
        property_begin_ = used_;
    }
    void end_property() {
        const std::size_t size = used_ - property_begin_;
        if (size < 0x80)
            begin_[property_begin_ - 1] = static_cast<char>(size);
        else
            end_long_property(size);
    }
    /// Properties that the reader kept, behind those that are known.
    void kept_properties(std::string_view kept) { append(kept); }

    /// The whole record with its checksum. The writer is spent afterwards.
    [[nodiscard]] std::string finish();

  private:
    /// Where the next `count` bytes are written.
    char* room(std::size_t count) {
        if (size_ - used_ < count) grow(count);
        char* at = begin_ + used_;
        used_ += count;
        return at;
    }
    template <std::size_t count>
    void fixed(std::uint64_t v) {
        char* at = room(count);
        for (std::size_t i = 0; i < count; ++i)
            at[i] = static_cast<char>((v >> (8 * (count - 1 - i))) & 0xFF);
    }
    void append(std::string_view v) {
        if (!v.empty()) std::memcpy(room(v.size()), v.data(), v.size());
    }
    void grow(std::size_t count);

    /// ENSUREs that it rises: what does not would be a record that nobody reads again.
    void next_property(std::uint32_t number) {
        ENSURE(number > property_);
        property_ = number;
        varint(number);
    }
    void end_long_property(std::size_t size);

    static constexpr std::size_t usual_record_bytes = 512;  // most records fit
    std::array<char, usual_record_bytes> usual_;            // not written before it is used
    std::string larger_;                                    // in its place, for a record that does not fit
    char* begin_ = usual_.data();
    std::size_t size_ = usual_record_bytes;  // what there is room for
    std::size_t used_ = 0;

    std::size_t property_begin_ = 0;  // of the open one's value
    std::uint32_t property_ = 0;      // the last one's number
};

/// Why a stored record cannot be read. No values in it.
struct RecordError {
    std::string record;  // its kind, as the reader was told: "transaction"
    std::string field;   // the field being read; empty for the envelope
    std::size_t offset = 0;
    std::string reason;
    [[nodiscard]] std::string what() const;  // one sentence of the above
};

/// Reads fields in order, then properties. The first failure sticks: every later read gives zeros, and done()
/// tells it. Nothing is read of a record whose checksum is wrong or whose version is unknown.
///
///     r.u8("kind") …
///     while (r.next_property())
///         switch (r.property()) {
///             case 1: reason = r.rest("reason"); break;
///             default: r.keep_property(kept, 1);
///         }
///     r.done()
class RecordReader {
  public:
    static constexpr std::size_t envelope_bytes = 5;  // version and checksum
    static constexpr std::uint32_t property_number_max = 0xFFFF;

    /// `record_kind` and the field names must be literals (they are kept as views).
    RecordReader(std::string_view record, std::uint8_t version_max, std::string_view record_kind);

    [[nodiscard]] std::uint8_t version() const { return version_; }
    [[nodiscard]] bool ok() const { return reason_.empty(); }

    std::uint8_t u8(std::string_view field) { return static_cast<std::uint8_t>(fixed(field, 1)); }
    bool boolean(std::string_view field);  // only 0 and 1
    std::uint16_t u16(std::string_view field) { return static_cast<std::uint16_t>(fixed(field, 2)); }
    std::uint32_t u32(std::string_view field) { return static_cast<std::uint32_t>(fixed(field, 4)); }
    std::uint64_t u64(std::string_view field) { return fixed(field, 8); }
    std::uint64_t varint(std::string_view field);
    std::int64_t svarint(std::string_view field);
    /// A varint that must be ≤ max: counts, enums.
    std::uint64_t varint_max(std::string_view field, std::uint64_t max);
    std::string_view text(std::string_view field);
    iso8583::ByteView bytes(std::string_view field) { return iso8583::as_bytes(text(field)); }
    /// `count` bytes, or on failure an empty view.
    iso8583::ByteView fixed_bytes(std::string_view field, std::size_t count);
    /// What padded_text(…, size) wrote.
    std::string_view padded_text(std::string_view field, std::size_t size);

    /// Enters the next property; false when there is none (all records before version 2) or after a failure.
    /// The one before must have been read to its end.
    bool next_property();
    [[nodiscard]] std::uint32_t property() const { return property_; }
    /// What is left of the property, or of the fields when none is entered.
    std::string_view rest(std::string_view field);
    /// Appends the property as it stands to `kept`. A number up to `known_max` is no unknown one: a failure.
    void keep_property(std::string& kept, std::uint32_t known_max);
    /// For kinds that have no property yet: all that there are, as they stand.
    std::string unknown_properties();

    /// The caller found a field's value impossible; sticks like any other failure.
    void fail(std::string_view field, std::string_view reason);
    /// An error also when bytes are left over.
    [[nodiscard]] iso8583::Result<void, RecordError> done();

  private:
    std::uint64_t fixed(std::string_view field, std::size_t count) {
        const char* at = take(field, count);
        if (at == nullptr) return 0;
        std::uint64_t v = 0;
        for (std::size_t i = 0; i < count; ++i) v = (v << 8) | static_cast<std::uint8_t>(at[i]);
        return v;
    }
    /// The next `count` bytes, or nullptr and a failure.
    const char* take(std::string_view field, std::size_t count) {
        if (!ok() || end_ - offset_ < count) return short_of(field);
        const char* at = record_.data() + offset_;
        offset_ += count;
        return at;
    }
    const char* short_of(std::string_view field);
    std::uint64_t long_varint(std::string_view field);

    std::string_view record_;  // without the checksum
    std::string_view kind_;
    std::size_t offset_ = 0;
    std::size_t end_ = 0;  // of the property, or of the record
    std::uint8_t version_ = 0;
    std::uint32_t property_ = 0;  // 0: among the fields
    std::size_t property_begin_ = 0;
    std::string_view failed_field_;
    std::size_t failed_offset_ = 0;
    std::string reason_;
};

}  // namespace ledger
