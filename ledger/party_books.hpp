// Merchants and ranges of terminals that operations added to those of the configuration file: each is a
// section of it, as the file would have it, stored beside the ledger. Bytes: docs/ledger_format.md, "Other
// records".
//
// Ownership: PartyBooks refers to the ledger, whose error() a failed read becomes. Thread: the core's; keys
// and decoder anywhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"
#include "ledger/ledger.hpp"
#include "ledger/party.hpp"

namespace ledger {

std::string party_key(PartyKind kind, std::string_view id);

/// All that are stored, merchants first, as a read of the store finds them.
iso8583::Result<std::vector<PartyRecord>> stored_parties(const StoreReader& store);

class PartyBooks {
  public:
    /// More are refused: each is read at every start and reload.
    static constexpr std::size_t parties_max = 2'000;
    static constexpr std::size_t section_bytes_max = 8'192;

    explicit PartyBooks(Ledger& ledger) : ledger_(ledger) {}
    [[nodiscard]] std::optional<PartyRecord> find(PartyKind kind, std::string_view id);
    [[nodiscard]] std::size_t count();
    void save(const PartyRecord& party);
    void erase(PartyKind kind, std::string_view id);

  private:
    Ledger& ledger_;
};

}  // namespace ledger
