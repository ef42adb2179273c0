// Fees: what a merchant pays for a sale and what goes back of it with a void, a reversal or a refund. The
// first functions are pure and are the rule itself (ruling 33): amounts in minor units, integer arithmetic,
// rounded to the nearest unit once, at the sale; what refunds return is rounded down and cumulative, so that
// the last part returns what is left. Source: docs/merchant_money.md, "Fees".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "switch/core/core_context.hpp"

namespace acquirer::fees {

/// "card", "unionpay_qr", "alipay", "wechat": in configuration and views.
[[nodiscard]] std::string_view instrument_word(ledger::Instrument instrument);
[[nodiscard]] std::optional<ledger::Instrument> parse_instrument(std::string_view word);

/// The basis points of the tier that the amount belongs to; 0 without tiers.
[[nodiscard]] std::uint32_t basis_points_of(const std::vector<ledger::FeeTier>& tiers,
                                            std::int64_t amount_minor);
/// (amount × basis points + 5,000) / 10,000.
[[nodiscard]] std::int64_t fee_of(const std::vector<ledger::FeeTier>& tiers, std::int64_t amount_minor);
/// What refunds of so much, together, give back of the fee of a sale of this amount.
[[nodiscard]] std::int64_t returned_of(ledger::FeeReturn fee_return, std::int64_t fee_minor,
                                       std::int64_t amount_minor, std::int64_t refunded_minor);
/// I12: the fee that has to stand, by the sale's terms, its amount and the refunds that count.
[[nodiscard]] std::int64_t due_minor(const ledger::TransactionRecord& sale);

/// The terms that hold today, for a sale that is approved for the first time.
void fix_terms(const CoreContext& context, ledger::TransactionRecord& sale);
/// Posts what has to change; `refund` is the one that caused it, or nothing.
void settle(CoreContext& context, ledger::TransactionRecord& sale, const ledger::TransactionRecord* refund);

}  // namespace acquirer::fees
