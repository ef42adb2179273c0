#include "ledger/record_codec.hpp"

#include "ledger/crc32c.hpp"

namespace ledger {

namespace {
constexpr std::size_t checksum_bytes = 4;
constexpr int varint_bytes_max = 10;
}  // namespace

RecordWriter::RecordWriter(std::uint8_t version) {
    ENSURE(version != 0);
    u8(version);
}

void RecordWriter::grow(std::size_t count) {
    std::string larger(2 * (size_ + count), '\0');
    std::memcpy(larger.data(), begin_, used_);
    larger_.swap(larger);
    begin_ = larger_.data();
    size_ = larger_.size();
}

/// Its length takes more than the one byte that is left for it.
void RecordWriter::end_long_property(std::size_t size) {
    std::size_t length_bytes = 1;
    for (std::size_t v = size; v >= 0x80; v >>= 7) ++length_bytes;
    room(length_bytes - 1);
    char* value = begin_ + property_begin_;
    std::memmove(value + length_bytes - 1, value, size);
    const std::size_t end = used_;
    used_ = property_begin_ - 1;
    varint(size);
    used_ = end;
}

std::string RecordWriter::finish() {
    u32(crc32c(iso8583::as_bytes(std::string_view(begin_, used_))));
    return {begin_, used_};
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
    end_ = record_.size();
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

const char* RecordReader::short_of(std::string_view field) {
    fail(field, property_ == 0 ? "the record ends inside it" : "its property ends inside it");
    return nullptr;
}

bool RecordReader::boolean(std::string_view field) {
    const std::uint8_t v = u8(field);
    if (v > 1) fail(field, "neither 0 nor 1");
    return v == 1;
}

std::uint64_t RecordReader::varint(std::string_view field) {
    if (ok() && offset_ < end_ && static_cast<std::uint8_t>(record_[offset_]) < 0x80)
        return static_cast<std::uint8_t>(record_[offset_++]);
    return long_varint(field);
}

std::uint64_t RecordReader::long_varint(std::string_view field) {
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
    if (ok() && size > end_ - offset_) {
        fail(field, property_ == 0 ? "its length reaches past the end of the record"
                                   : "its length reaches past the end of its property");
        return {};
    }
    const char* at = take(field, static_cast<std::size_t>(size));
    return at == nullptr ? std::string_view{} : std::string_view{at, static_cast<std::size_t>(size)};
}

iso8583::ByteView RecordReader::fixed_bytes(std::string_view field, std::size_t count) {
    const char* at = take(field, count);
    return at == nullptr ? iso8583::ByteView{} : iso8583::as_bytes({at, count});
}

std::string_view RecordReader::padded_text(std::string_view field, std::size_t size) {
    const std::uint8_t used = u8(field);
    const char* at = take(field, size);
    if (at == nullptr) return {};
    if (used > size ||
        std::string_view(at + used, size - used).find_first_not_of('\0') != std::string_view::npos) {
        fail(field, "its length is over its place or what follows it is not zeros");
        return {};
    }
    return {at, used};
}

bool RecordReader::next_property() {
    if (!ok() || version_ < property_record_version) return false;
    if (property_ != 0 && offset_ != end_) {
        fail("property", "bytes are left over after the last field of property " + std::to_string(property_));
        return false;
    }
    end_ = record_.size();
    if (offset_ == end_) return false;
    const std::uint32_t before = property_;
    property_begin_ = offset_;
    property_ = 0;
    const std::uint64_t number = varint_max("property number", property_number_max);
    const std::uint64_t size = varint("property length");
    if (!ok()) return false;
    if (number <= before) fail("property number", "it does not rise");
    if (size > end_ - offset_) fail("property length", "it reaches past the end of the record");
    if (!ok()) return false;
    property_ = static_cast<std::uint32_t>(number);
    end_ = offset_ + static_cast<std::size_t>(size);
    return true;
}

std::string_view RecordReader::rest(std::string_view field) {
    const std::size_t count = end_ - offset_;
    const char* at = take(field, count);
    return at == nullptr ? std::string_view{} : std::string_view{at, count};
}

void RecordReader::keep_property(std::string& kept, std::uint32_t known_max) {
    if (property_ <= known_max) fail("property number", "there is no property of this number");
    if (!ok()) return;
    offset_ = end_;
    kept.append(record_.substr(property_begin_, end_ - property_begin_));
}

std::string RecordReader::unknown_properties() {
    std::string kept;
    while (next_property()) keep_property(kept, 0);
    return kept;
}

iso8583::Result<void, RecordError> RecordReader::done() {
    if (ok() && offset_ != record_.size()) fail("", "bytes are left over after the last field");
    if (ok()) return {};
    return tl::unexpected(
        RecordError{std::string(kind_), std::string(failed_field_), failed_offset_, reason_});
}

}  // namespace ledger
