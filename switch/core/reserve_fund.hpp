// ReserveFund: a merchant's reserve, kept back from its sales so that its refunds can draw on it (R27, R104;
// ruling 18). It never falls below 0: what it does not hold, the merchant's payable bears. Amounts in minor
// units. The core's thread. Source: docs/merchant_money.md, "Reserve".
#pragma once

#include <cstdint>
#include <string>

#include "switch/core/core_context.hpp"

namespace acquirer::reserve_fund {

[[nodiscard]] std::int64_t holds_minor(CoreContext& context, const iso8583::MerchantId& merchant);

/// The percentage that holds today, for a sale that is approved for the first time.
void fix_terms(const CoreContext& context, ledger::TransactionRecord& sale);
/// May more be withheld of a sale? Not when a part of it goes: what found no room at its approval stays out.
enum class Share : std::uint8_t { rise_or_fall, only_fall };
/// A sale came onto the books, left them or has another amount: its share is withheld up to `reserve_max`, or
/// taken back as far as the reserve has it.
void settle(CoreContext& context, ledger::TransactionRecord& sale, Share may);

/// May a refund of so much draw now, all of it?
enum class Draw : std::uint8_t { whole_or_nothing, what_there_is };
/// So much of the refund counts in Remaining from now on: the reserve pays what is not drawn yet. Nothing for
/// a merchant that funds refunds another way.
void draw(CoreContext& context, ledger::TransactionRecord& refund, std::int64_t counts_minor, Draw how);
/// It stops counting: what was drawn goes back, above `reserve_max` too.
void give_back(CoreContext& context, ledger::TransactionRecord& refund);
/// Two people moved so much of what the merchant is owed into its reserve.
void add(CoreContext& context, const iso8583::MerchantId& merchant, iso8583::Amount amount,
         const std::string& note, const std::string& by);

}  // namespace acquirer::reserve_fund

namespace acquirer {

/// R27: what has to cover a refund of this merchant now; nothing when nothing has to.
[[nodiscard]] std::optional<std::int64_t> funds_minor(CoreContext& context, const MerchantConfig& merchant);

}  // namespace acquirer
