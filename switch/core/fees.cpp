#include "switch/core/fees.hpp"

#include "iso8583/values/ensure.hpp"
#include "switch/core/charges.hpp"
#include "switch/core/payment_kinds.hpp"

namespace acquirer::fees {

using ledger::FeeReturn;
using ledger::FeeTier;
using ledger::Instrument;
using ledger::TransactionRecord;

std::string_view instrument_word(Instrument instrument) { return payment_kind(instrument).name; }

std::optional<Instrument> parse_instrument(std::string_view word) {
    for (const PaymentKind& kind : payment_kinds)
        if (kind.name == word) return kind.instrument;
    return std::nullopt;
}

std::uint32_t basis_points_of(const std::vector<FeeTier>& tiers, std::int64_t amount_minor) {
    for (const FeeTier& tier : tiers)
        if (tier.up_to_minor == 0 || amount_minor <= tier.up_to_minor) return tier.basis_points;
    return 0;
}

std::int64_t fee_of(const std::vector<FeeTier>& tiers, std::int64_t amount_minor) {
    constexpr std::int64_t whole = ledger::basis_points_max;
    return (amount_minor * basis_points_of(tiers, amount_minor) + whole / 2) / whole;
}

std::int64_t returned_of(FeeReturn fee_return, std::int64_t fee_minor, std::int64_t amount_minor,
                         std::int64_t refunded_minor) {
    switch (fee_return) {
        case FeeReturn::keep:
            return 0;
        case FeeReturn::return_proportional:
            return share_of(fee_minor, refunded_minor, amount_minor);
        case FeeReturn::return_on_full:
            return refunded_minor == amount_minor ? fee_minor : 0;
    }
    ENSURE(false);
}

std::int64_t due_minor(const TransactionRecord& sale) {
    if (sale.charges.fee_tiers.empty() || !is_on_the_books(sale)) return 0;
    const std::int64_t amount = sale.amount.minor_units();
    const std::int64_t fee = fee_of(sale.charges.fee_tiers, amount);
    return fee - returned_of(sale.charges.fee_return, fee, amount, sale.refunds_minor);
}

void fix_terms(const CoreContext& c, TransactionRecord& sale) {
    const MerchantConfig* merchant = c.config->find_merchant(sale.merchant);
    if (merchant == nullptr) return;
    const auto tiers = merchant->fees.find(sale.instrument);
    if (tiers == merchant->fees.end()) return;
    sale.charges.fee_tiers = tiers->second;
    sale.charges.fee_return = merchant->refund.fee_on_refund;
}

void settle(CoreContext& c, TransactionRecord& sale, const TransactionRecord* refund) {
    const std::int64_t due = due_minor(sale);
    const std::int64_t more = due - sale.charges.fee_minor;
    sale.charges.fee_minor = due;
    post_change(c, sale, refund, ledger::MerchantEntryKind::fee, more, due);
}

}  // namespace acquirer::fees
