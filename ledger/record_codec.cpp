#include "ledger/record_codec.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/crc32c.hpp"

namespace ledger {

namespace {
constexpr std::size_t checksum_bytes = 4;
constexpr std::size_t usual_record_bytes = 384;  // reserved at once, so that most records never reallocate
constexpr int varint_bytes_max = 10;
}  // namespace

RecordWriter::RecordWriter(std::uint8_t version) {
    ENSURE(version != 0);
    out_.reserve(usual_record_bytes);
    u8(version);
}

void RecordWriter::fixed(std::uint64_t v, int count) {
    for (int i = count - 1; i >= 0; --i) out_.push_back(static_cast<char>((v >> (8 * i)) & 0xFF));
}

void RecordWriter::varint(std::uint64_t v) {
    while (v >= 0x80) {
        out_.push_back(static_cast<char>((v & 0x7F) | 0x80));
        v >>= 7;
    }
    out_.push_back(static_cast<char>(v));
}

void RecordWriter::svarint(std::int64_t v) {
    const auto bits = static_cast<std::uint64_t>(v);
    varint((bits << 1) ^ (v < 0 ? ~std::uint64_t{0} : 0));
}

void RecordWriter::text(std::string_view v) {
    varint(v.size());
    out_.append(v);
}

std::string RecordWriter::finish() {
    u32(crc32c(iso8583::as_bytes(out_)));
    return std::move(out_);
}

std::string RecordError::what() const {
    std::string text = record + " record";
    if (!field.empty()) text += ", field " + field;
    return text + ", offset " + std::to_string(offset) + ": " + reason;
}

RecordReader::RecordReader(std::string_view record, std::uint8_t version_max, std::string_view record_kind)
    : kind_(record_kind) {
    if (record.size() < envelope_bytes) {
        fail("", "it is shorter than a version and a checksum");
        return;
    }
    record_ = record.substr(0, record.size() - checksum_bytes);
    std::uint32_t stored = 0;
    for (const char c : record.substr(record_.size())) stored = (stored << 8) | static_cast<std::uint8_t>(c);
    if (stored != crc32c(iso8583::as_bytes(record_))) {
        fail("", "the checksum is wrong: the record is damaged");
        return;
    }
    const std::uint8_t version = u8("version");
    if (version == 0 || version > version_max) {
        offset_ = 0;
        fail("version", "version " + std::to_string(version) +
                            " is unknown to this program (it knows up to " + std::to_string(version_max) +
                            ")");
        return;
    }
    version_ = version;
}

void RecordReader::fail(std::string_view field, std::string_view reason) {
    if (!ok()) return;
    failed_field_ = field;
    failed_offset_ = offset_;
    reason_ = reason.empty() ? "it is not valid" : reason;
}

const char* RecordReader::take(std::string_view field, std::size_t count) {
    if (!ok()) return nullptr;
    if (record_.size() - offset_ < count) {
        fail(field, "the record ends inside it");
        return nullptr;
    }
    const char* at = record_.data() + offset_;
    offset_ += count;
    return at;
}

std::uint64_t RecordReader::fixed(std::string_view field, std::size_t count) {
    const char* at = take(field, count);
    if (at == nullptr) return 0;
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < count; ++i) v = (v << 8) | static_cast<std::uint8_t>(at[i]);
    return v;
}

bool RecordReader::boolean(std::string_view field) {
    const std::uint8_t v = u8(field);
    if (v > 1) fail(field, "neither 0 nor 1");
    return v == 1;
}

std::uint64_t RecordReader::varint(std::string_view field) {
    std::uint64_t v = 0;
    for (int i = 0; i < varint_bytes_max; ++i) {
        const char* at = take(field, 1);
        if (at == nullptr) return 0;
        const auto b = static_cast<std::uint8_t>(*at);
        // The tenth byte has room for one bit; a last byte of 0 would be a second spelling of the same
        // number.
        if ((i == varint_bytes_max - 1 && b > 1) || (i > 0 && b == 0)) break;
        v |= static_cast<std::uint64_t>(b & 0x7F) << (7 * i);
        if (b < 0x80) return v;
    }
    fail(field, "it is no integer in its shortest form");
    return 0;
}

std::int64_t RecordReader::svarint(std::string_view field) {
    const std::uint64_t v = varint(field);
    return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
}

std::uint64_t RecordReader::varint_max(std::string_view field, std::uint64_t max) {
    const std::uint64_t v = varint(field);
    if (v <= max) return v;
    fail(field, "its value is over " + std::to_string(max));
    return 0;
}

std::string_view RecordReader::text(std::string_view field) {
    const std::uint64_t size = varint(field);
    if (ok() && size > record_.size() - offset_) {
        fail(field, "its length reaches past the end of the record");
        return {};
    }
    const char* at = take(field, static_cast<std::size_t>(size));
    return at == nullptr ? std::string_view{} : std::string_view{at, static_cast<std::size_t>(size)};
}

iso8583::ByteView RecordReader::fixed_bytes(std::string_view field, std::size_t count) {
    const char* at = take(field, count);
    return at == nullptr ? iso8583::ByteView{} : iso8583::as_bytes({at, count});
}

iso8583::Result<void, RecordError> RecordReader::done() {
    if (ok() && offset_ != record_.size()) fail("", "bytes are left over after the last field");
    if (ok()) return {};
    return tl::unexpected(
        RecordError{std::string(kind_), std::string(failed_field_), failed_offset_, reason_});
}

}  // namespace ledger
