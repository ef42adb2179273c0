#include "switch/core/caution.hpp"

#include "iso8583/values/bytes.hpp"

namespace acquirer::caution {
namespace {

// Counters of a day ("v/") go with its cut-over, as those of the terminals (R24).
std::string card_name(iso8583::BusinessDate day, const iso8583::MerchantId& merchant,
                      const iso8583::PanToken& card) {
    return ledger::refund_counts_prefix(day) + merchant.str() + "/" + iso8583::to_hex(card.bytes);
}
/// Shorter than a card's, whose token has 32 digits.
std::string operator_name(iso8583::BusinessDate day, const iso8583::MerchantId& merchant,
                          std::string_view number) {
    return ledger::refund_counts_prefix(day) + merchant.str() + "/operator " + std::string(number);
}
std::string merchant_name(iso8583::BusinessDate day, const iso8583::MerchantId& merchant) {
    return ledger::refund_counts_prefix(day) + merchant.str();
}
std::string ratio_prefix(iso8583::BusinessDate day) { return "q/" + day.date.yyyymmdd() + "/"; }
std::string sales_name(iso8583::BusinessDate day, const iso8583::MerchantId& merchant) {
    return ratio_prefix(day) + merchant.str() + "/s";
}
std::string refunds_name(iso8583::BusinessDate day, const iso8583::MerchantId& merchant) {
    return ratio_prefix(day) + merchant.str() + "/r";
}

iso8583::BusinessDate days_before(iso8583::BusinessDate day, std::int32_t days) {
    return {day.date.plus_days(-days)};
}

/// Nothing is taken off what was never counted: the bound may be younger than the sale.
void add(CoreContext& c, const std::string& name, std::int64_t amount_minor, int sign) {
    if (sign < 0 && c.ledger.totals().get(name).count <= 0) return;
    c.ledger.totals().add(name, sign, sign * amount_minor);
}

bool ratio_is_over(const CoreContext& c, const MerchantConfig& merchant, std::int64_t amount_minor) {
    const RefundPolicy& policy = merchant.refund;
    ledger::Total sales, refunds;
    for (std::int32_t before = 0; before < ratio_days; ++before) {
        const iso8583::BusinessDate day = days_before(c.business_day, before);
        const auto sum = [&c](ledger::Total& into, const std::string& name) {
            const ledger::Total total = c.ledger.totals().get(name);
            into.count += total.count;
            into.amount_minor += total.amount_minor;
        };
        sum(sales, sales_name(day, merchant.id));
        sum(refunds, refunds_name(day, merchant.id));
    }
    if (sales.count < policy.ratio_sales_min) return false;
    const std::int64_t percent = *policy.refund_ratio_percent_max;
    if (policy.refund_ratio_of == RatioOf::count) return (refunds.count + 1) * 100 > percent * sales.count;
    return (refunds.amount_minor + amount_minor) * 100 > percent * sales.amount_minor;
}

}  // namespace

void count_sale(CoreContext& c, const ledger::TransactionRecord& sale, int sign) {
    const MerchantConfig* merchant = c.config->find_merchant(sale.merchant);
    if (merchant == nullptr || !merchant->refund.refund_ratio_percent_max) return;
    if (sale.business_date.date.days() <= days_before(c.business_day, ratio_days).date.days()) return;
    add(c, sales_name(sale.business_date, sale.merchant), sale.amount.minor_units(), sign);
}

void count_refund(CoreContext& c, const ledger::TransactionRecord& refund, iso8583::BusinessDate day,
                  int sign) {
    const MerchantConfig* merchant = c.config->find_merchant(refund.merchant);
    if (merchant == nullptr) return;
    const RefundPolicy& policy = merchant->refund;
    const std::int64_t amount = refund.amount.minor_units();
    if (day == c.business_day) {
        if (policy.refunds_per_card_day_max)
            add(c, card_name(day, refund.merchant, refund.pan_token), amount, sign);
        if (policy.refunds_per_operator_day_max && !refund.operator_number.empty())
            add(c, operator_name(day, refund.merchant, refund.operator_number), amount, sign);
        if (policy.refunds_per_merchant_day_max) add(c, merchant_name(day, refund.merchant), amount, sign);
    }
    if (policy.refund_ratio_percent_max &&
        day.date.days() > days_before(c.business_day, ratio_days).date.days())
        add(c, refunds_name(day, refund.merchant), amount, sign);
}

void forget(CoreContext& c, iso8583::BusinessDate closed) {
    c.ledger.totals().forget(ratio_prefix(days_before(closed, ratio_days - 1)));
}

bool is_over_a_bound(const CoreContext& c, const MerchantConfig& merchant, const Refunder& who,
                     std::int64_t amount_minor) {
    const RefundPolicy& policy = merchant.refund;
    const auto counted = [&c](const std::string& name) { return c.ledger.totals().get(name).count; };
    if (policy.refunds_per_card_day_max &&
        counted(card_name(c.business_day, merchant.id, who.card)) >= *policy.refunds_per_card_day_max)
        return true;
    if (policy.refunds_per_operator_day_max && !who.operator_number.empty() &&
        counted(operator_name(c.business_day, merchant.id, who.operator_number)) >=
            *policy.refunds_per_operator_day_max)
        return true;
    if (policy.refunds_per_merchant_day_max &&
        counted(merchant_name(c.business_day, merchant.id)) >= *policy.refunds_per_merchant_day_max)
        return true;
    return policy.refund_ratio_percent_max && ratio_is_over(c, merchant, amount_minor);
}

std::int64_t net_sales_minor(const CoreContext& c, const iso8583::MerchantId& merchant) {
    const std::string account =
        ledger::account_name(c.business_day, ledger::Account::merchant_payable, merchant.view());
    return -c.ledger.totals().get(account).amount_minor;  // of debits less credits
}

}  // namespace acquirer::caution
