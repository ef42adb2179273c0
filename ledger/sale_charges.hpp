// SaleCharges: what a sale carries of its merchant's money beside its amount: the fee, the share that its
// reserve keeps back, and who paid which part of a discount. Terms are those that held at its approval, so
// that no later configuration changes what an old sale costs (docs/merchant_money.md).
//
// Amounts in minor units. Stored: properties 60 to 62 of a transaction record (docs/ledger_format.md).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ledger {

/// What a refund does to the fee of its sale.
// Stored: do not change values.
enum class FeeReturn : std::uint8_t { keep = 1, return_proportional = 2, return_on_full = 3 };
std::string_view name(FeeReturn fee_return);

/// So many basis points of a sale up to an amount, that amount included.
struct FeeTier {
    std::int64_t up_to_minor = 0;  // 0: without end; the last tier, and no other
    std::uint32_t basis_points = 0;
    friend bool operator==(const FeeTier&, const FeeTier&) = default;
};
inline constexpr std::size_t fee_tiers_max = 8;  // of one instrument
inline constexpr std::uint32_t basis_points_max = 10'000;
inline constexpr std::uint32_t reserve_percent_max = 100;

struct SaleCharges {
    FeeReturn fee_return = FeeReturn::keep;
    std::vector<FeeTier> fee_tiers;        // ascending; empty: no fee
    std::int64_t fee_minor = 0;            // what of it stands now (I12)
    std::uint32_t reserve_percent = 0;     // what the reserve keeps back of it
    std::int64_t withheld_minor = 0;       // what it keeps back now
    std::int64_t wallet_funded_minor = 0;  // R102: parts of the first amount that the customer did not pay
    std::int64_t merchant_funded_minor = 0;
    std::int64_t discount_minor = 0;  // what of the merchant-funded part stands now
    friend bool operator==(const SaleCharges&, const SaleCharges&) = default;
};

/// A bound of caution that a refund went over (R28).
// Stored: do not change values.
enum class CautionBound : std::uint8_t {
    card = 1,
    terminal = 2,
    operator_number = 3,
    merchant = 4,
    ratio = 5,
    counters = 6  // no room to count another card or operator number today
};
std::string_view name(CautionBound bound);
inline constexpr std::uint8_t caution_bounds_count = 6;

/// What was counted, this refund included, against what was allowed: refunds of the day, or percent of sales.
struct CautionHit {
    CautionBound bound = CautionBound::card;
    std::int64_t counted = 0;
    std::int64_t allowed = 0;
    friend bool operator==(const CautionHit&, const CautionHit&) = default;
};

}  // namespace ledger
