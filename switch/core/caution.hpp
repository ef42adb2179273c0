// Caution: what a refund is measured by before anybody looks at it: how many refunds a card, a terminal, an
// operator number of the tills and a merchant have had today, what refunds are of a merchant's sales in the
// last 30 business days (R28), and whether the sales of the open day cover it (R27). Counts are sums of the
// ledger, written only for a merchant whose policy has the bound; what happened before a bound was configured
// is not counted. Amounts in minor units. The core's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "switch/core/core_context.hpp"

namespace acquirer::caution {

inline constexpr std::int32_t ratio_days = 30;  // business days, the open one included
/// Cards and operator numbers that have a counter, of all merchants together: what is beyond is held.
inline constexpr std::int64_t counters_of_a_day_max = 1'000'000;

/// A sale that is on the merchant's books (+1) or not any more (-1).
void count_sale(CoreContext& context, const ledger::TransactionRecord& sale, int sign);
/// A refund that counts (+1) or not any more (-1); `day` is the one in which it was reserved.
void count_refund(CoreContext& context, const ledger::TransactionRecord& refund, iso8583::BusinessDate day,
                  int sign);
/// The sums of a day that no ratio looks at any more.
void forget(CoreContext& context, iso8583::BusinessDate closed);

/// Whose refunds are counted one by one.
struct Refunder {
    iso8583::PanToken card;
    std::string operator_number;        // at the merchant's tills; empty: not known
    iso8583::TerminalId terminal = {};  // empty: no till asked for it
};
/// R28: the bounds of the merchant over which one more refund of these and this amount would go, in the order
/// of CautionBound; empty: none.
[[nodiscard]] std::vector<ledger::CautionHit> hits(const CoreContext& context, const MerchantConfig& merchant,
                                                   const Refunder& who, std::int64_t amount_minor);
/// R27: the merchant's approved sales of the open day, less all that counts against them or was taken back.
[[nodiscard]] std::int64_t net_sales_minor(const CoreContext& context, const iso8583::MerchantId& merchant);

}  // namespace acquirer::caution
