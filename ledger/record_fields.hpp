// Fields that several record kinds share, as types of the domain. A value that is impossible fails the
// reader.
#pragma once

#include <optional>
#include <string_view>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/record_codec.hpp"

namespace ledger {

/// An identifier in its own form, or empty.
template <typename Id>
Id id_of(RecordReader& r, std::string_view field, std::string_view text) {
    if (text.empty()) return Id{};
    auto id = Id::parse(text);
    if (id) return *id;
    r.fail(field, "not in the form of its field");
    return Id{};
}
template <typename Id>
Id id_or_empty(RecordReader& r, std::string_view field) {
    return id_of<Id>(r, field, r.text(field));
}

/// An enum whose values are 1 to `last`.
template <typename Enum>
Enum enum_of(RecordReader& r, std::string_view field, std::uint64_t value, Enum last) {
    if (value >= 1 && value <= static_cast<std::uint64_t>(last)) return static_cast<Enum>(value);
    r.fail(field, "no value of its kind");
    return last;
}

inline std::uint32_t u32_of(RecordReader& r, std::string_view field) {
    return static_cast<std::uint32_t>(r.varint_max(field, 0xFFFFFFFF));
}
/// The value when it is at most `max`, otherwise 0 and a failure.
inline std::uint32_t at_most(RecordReader& r, std::string_view field, std::uint32_t value,
                             std::uint32_t max) {
    if (value <= max) return value;
    r.fail(field, "its value is over " + std::to_string(max));
    return 0;
}
inline iso8583::BatchNumber batch_of(RecordReader& r, std::string_view field) {
    return iso8583::BatchNumber::of(
        static_cast<std::uint32_t>(r.varint_max(field, iso8583::BatchNumber::value_max)));
}
/// Times are stored as differences to others; whatever was stored, its arithmetic is defined.
inline std::int64_t difference_of(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
inline std::int64_t sum_of(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

/// Days since 1970 as a date of the years 1 to 9999.
inline iso8583::Date date_of(RecordReader& r, std::string_view field, std::int64_t days) {
    constexpr std::int64_t first = -719'162;
    constexpr std::int64_t last = 2'932'896;
    if (days >= first && days <= last) return iso8583::Date::from_days(static_cast<std::int32_t>(days));
    r.fail(field, "it is no day of the years 1 to 9999");
    return {};
}
inline iso8583::BusinessDate day_of(RecordReader& r, std::string_view field) {
    return {date_of(r, field, r.svarint(field))};
}

/// What was read, when all of the record was and was right.
template <typename T>
iso8583::Result<T> finished(RecordReader& r, T value) {
    if (auto done = r.done(); !done) return iso8583::parse_error(done.error().what());
    return value;
}

}  // namespace ledger
