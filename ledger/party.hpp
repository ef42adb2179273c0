// Party: a merchant or a range of terminals that operations added to those of the configuration file, as a
// section of it. Who keeps them: party_books.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"

namespace ledger {

/// Bytes on disk: do not change.
enum class PartyKind : char { merchant = 'M', terminals = 'T' };

struct PartyRecord {
    PartyKind kind = PartyKind::merchant;
    std::string id;       // DE42 of a merchant, DE41 of the first terminal of a range
    std::string section;  // TOML: [[merchant]] or [[terminals]] and its keys
    std::string user;
    iso8583::UtcTime at;
    std::string unknown_properties = {};
    friend bool operator==(const PartyRecord&, const PartyRecord&) = default;
};
std::string encode(const PartyRecord& party);
iso8583::Result<PartyRecord> decode_party(std::string_view bytes);

}  // namespace ledger
