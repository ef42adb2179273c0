// Discounts of a sale (R102, ruling 32): a wallet's answer splits the sale's amount into what the customer
// paid, what the wallet funded and what the merchant funded. The last never reaches the merchant, so it is
// taken off what the merchant is owed, and the same part of each refund is not asked of it. Cumulative and
// rounded down per part, so that the last refund settles what is left. Amounts in minor units.
// Source: docs/merchant_money.md, "Promotions".
#pragma once

#include <cstdint>
#include <string_view>

#include "routing/route.hpp"
#include "switch/core/core_context.hpp"

namespace acquirer::discounts {

/// What DE54 says of a sale's amount; both 0 when it says nothing of the route's types.
struct Split {
    std::int64_t wallet_funded_minor = 0;
    std::int64_t merchant_funded_minor = 0;
};
/// DE54: up to six groups of account type (2), amount type (2), currency (3), C or D, amount (12). Nothing
/// when it has another form, another currency, or parts that are more than the sale.
[[nodiscard]] std::optional<Split> read_split(std::string_view additional_amounts,
                                              const routing::Route& route, iso8583::Amount sale);

/// How an amount of the sale's first amount divides.
struct Parts {
    std::int64_t paid_minor = 0;  // by the customer
    std::int64_t wallet_funded_minor = 0;
    std::int64_t merchant_funded_minor = 0;
};
/// What refunds of so much, together, are made of.
[[nodiscard]] Parts parts_of(const ledger::TransactionRecord& sale, std::int64_t refunded_minor);
/// What one refund is made of, when refunds of `before_minor` counted before it.
[[nodiscard]] Parts parts_of_refund(const ledger::TransactionRecord& sale, std::int64_t before_minor,
                                    std::int64_t refund_minor);

/// Keeps the split of a sale that is being approved.
void fix_split(CoreContext& context, ledger::TransactionRecord& sale, std::string_view additional_amounts);
/// Posts what has to change; `refund` is the one that caused it, or nothing.
void settle(CoreContext& context, ledger::TransactionRecord& sale, const ledger::TransactionRecord* refund);
/// The merchant-funded part that has to stand.
[[nodiscard]] std::int64_t due_minor(const ledger::TransactionRecord& sale);

}  // namespace acquirer::discounts
