// What stands at fixed offsets of a transaction's record (docs/ledger_format.md, "Transaction record"), for
// whoever passes by many records and stops at few. No checksum is looked at: decode what is used.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "iso8583/values/time_fields.hpp"
#include "ledger/record_codec.hpp"

namespace ledger {

struct RecordGlance {
    iso8583::UtcTime created, updated;
    iso8583::BusinessDate business_date;
    std::uint16_t route = 0;
    std::uint32_t issuer_stan = 0;
    std::uint32_t issuer_transmission_time = 0;
    std::string_view terminal;  // points into the record
};

/// Nothing when the record is too short or of another version: whoever decodes it will say why.
inline std::optional<RecordGlance> glance_at(std::string_view record) {
    constexpr std::size_t fixed_bytes = 142, terminal = 37, created = 96, updated = 104, business_date = 116,
                          route = 120, stan = 122, transmission_time = 126, terminal_size_max = 8;
    if (record.size() < fixed_bytes || static_cast<std::uint8_t>(record[0]) != property_record_version)
        return std::nullopt;
    const auto number = [record](std::size_t at, std::size_t bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes; ++i)
            value = value << 8 | static_cast<std::uint8_t>(record[at + i]);
        return value;
    };
    const auto size = static_cast<std::size_t>(number(terminal, 1));
    if (size > terminal_size_max) return std::nullopt;
    RecordGlance g;
    g.created.ms = static_cast<std::int64_t>(number(created, 8));
    g.updated.ms = static_cast<std::int64_t>(number(updated, 8));
    g.business_date.date = iso8583::Date::from_days(
        static_cast<std::int32_t>(static_cast<std::uint32_t>(number(business_date, 4))));
    g.route = static_cast<std::uint16_t>(number(route, 2));
    g.issuer_stan = static_cast<std::uint32_t>(number(stan, 4));
    g.issuer_transmission_time = static_cast<std::uint32_t>(number(transmission_time, 4));
    g.terminal = record.substr(terminal + 1, size);
    return g;
}

}  // namespace ledger
