// What an issuer books, as its files say it. A header of its own, so that the configuration needs no records.
#pragma once

#include <cstdint>
#include <string_view>

namespace ledger {

/// Stored: do not change values.
enum class IssuerEffect : std::uint8_t { sale = 1, refund = 2, void_of_sale = 3 };
/// As in issuer-sim's journal: "sale", "refund", "void".
std::string_view name(IssuerEffect effect);

}  // namespace ledger
