// The envelope of every stored record: a version byte, fields without tags, a CRC-32C. Do not change the
// bytes: docs/ledger_format.md, "Record envelope".
//
//     version  u8, from 1
//     fields   u8 and fixed integers big-endian; varint LEB128; svarint zigzag + LEB128; text, bytes: varint
//     length crc32c   4 bytes big-endian, over everything before it
//
// A record kind's fields only ever get appended, with a new version: a reader asks version() before reading
// them. Writer and reader never throw and own nothing but the writer's buffer; the reader's views point into
// its input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/result.hpp"

namespace ledger {

class RecordWriter {
  public:
    explicit RecordWriter(std::uint8_t version);

    void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
    void boolean(bool v) { u8(v ? 1 : 0); }
    void u16(std::uint16_t v) { fixed(v, 2); }
    void u32(std::uint32_t v) { fixed(v, 4); }
    void u64(std::uint64_t v) { fixed(v, 8); }
    void varint(std::uint64_t v);
    void svarint(std::int64_t v);
    void text(std::string_view v);
    void bytes(iso8583::ByteView v) { text(iso8583::as_text(v)); }
    /// Without a length: the reader must know it.
    void fixed_bytes(iso8583::ByteView v) { out_.append(iso8583::as_text(v)); }

    /// The whole record with its checksum. The writer is spent afterwards.
    [[nodiscard]] std::string finish();

  private:
    void fixed(std::uint64_t v, int count);
    std::string out_;
};

/// Why a stored record cannot be read. No values in it.
struct RecordError {
    std::string record;  // its kind, as the reader was told: "transaction"
    std::string field;   // the field being read; empty for the envelope
    std::size_t offset = 0;
    std::string reason;
    [[nodiscard]] std::string what() const;  // one sentence of the above
};

/// Reads fields in order. The first failure sticks: every later read gives zeros, and done() tells it.
/// Nothing is read of a record whose checksum is wrong or whose version is unknown.
class RecordReader {
  public:
    static constexpr std::size_t envelope_bytes = 5;  // version and checksum

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

    /// The caller found a field's value impossible; sticks like any other failure.
    void fail(std::string_view field, std::string_view reason);
    /// An error also when bytes are left over.
    [[nodiscard]] iso8583::Result<void, RecordError> done();

  private:
    std::uint64_t fixed(std::string_view field, std::size_t count);
    /// The next `count` bytes, or nullptr and a failure.
    const char* take(std::string_view field, std::size_t count);

    std::string_view record_;  // without the checksum
    std::string_view kind_;
    std::size_t offset_ = 0;
    std::uint8_t version_ = 0;
    std::string_view failed_field_;
    std::size_t failed_offset_ = 0;
    std::string reason_;
};

}  // namespace ledger
