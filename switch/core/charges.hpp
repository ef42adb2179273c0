// Charges: how the money that a sale carries beside its amount follows the sale: what stands of each is a
// function of the sale's amount and of the refunds that count, and whatever changes these posts the
// difference. So no path through reversals, voids and late answers can leave a fee behind.
//
// Pure but for post_change(), which writes an entry of the merchant's books. Amounts in minor units. The
// core's thread. Source: docs/merchant_money.md; rulings 32, 33.
#pragma once

#include <cstdint>

#include "ledger/merchant_books.hpp"
#include "switch/core/core_context.hpp"

namespace acquirer {

/// floor(part × count / of), exact for any amounts of DE4. ENSUREs of > 0 and nothing below 0.
[[nodiscard]] std::int64_t share_of(std::int64_t part, std::int64_t count, std::int64_t of);

/// As much was taken off as had been booked: not any more.
[[nodiscard]] bool is_on_the_books(const ledger::TransactionRecord& sale);

/// An entry of the merchant's books about a sale: `more_minor` from the merchant, below zero to it; nothing
/// at zero. By which rule is the last word of what caused it: the refund, or without one the sale itself.
void post_change(CoreContext& context, const ledger::TransactionRecord& sale,
                 const ledger::TransactionRecord* refund, ledger::MerchantEntryKind kind,
                 std::int64_t more_minor, std::int64_t stands_minor);

}  // namespace acquirer
