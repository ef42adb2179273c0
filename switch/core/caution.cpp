#include "switch/core/caution.hpp"

#include <algorithm>

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

/// How many cards and operator numbers of the day have a counter.
std::string counters_name(iso8583::BusinessDate day) {
    return ledger::refund_counts_prefix(day) + "counters";
}

/// Nothing is taken off what was never counted: the bound may be younger than the sale.
void add(CoreContext& c, const std::string& name, std::int64_t amount_minor, int sign) {
    if (sign < 0 && c.ledger.totals().get(name).count <= 0) return;
    c.ledger.totals().add(name, sign, sign * amount_minor);
}

bool has_counter(const CoreContext& c, const std::string& name) {
    return c.ledger.totals().all().contains(name);
}

bool counters_are_full(const CoreContext& c) {
    return c.ledger.totals().get(counters_name(c.business_day)).count >= counters_of_a_day_max;
}

/// A counter of a card or operator number: as many as there is room for.
void add_counter(CoreContext& c, const std::string& name, std::int64_t amount_minor, int sign) {
    if (!has_counter(c, name)) {
        if (sign < 0 || counters_are_full(c)) return;
        c.ledger.totals().add(counters_name(c.business_day), 1, 0);
    }
    add(c, name, amount_minor, sign);
}

/// The ratio with one more refund of this amount, when it is over the bound: rounded up, so that it shows.
std::optional<ledger::CautionHit> ratio_hit(const CoreContext& c, const MerchantConfig& merchant,
                                            std::int64_t amount_minor) {
    const RefundPolicy& policy = merchant.refund;
    if (!policy.refund_ratio_percent_max) return std::nullopt;
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
    if (sales.count < policy.ratio_sales_min) return std::nullopt;
    const std::int64_t percent = *policy.refund_ratio_percent_max;
    const bool by_count = policy.refund_ratio_of == RatioOf::count;
    const std::int64_t part = by_count ? refunds.count + 1 : refunds.amount_minor + amount_minor;
    const std::int64_t whole = std::max<std::int64_t>(1, by_count ? sales.count : sales.amount_minor);
    if (part * 100 <= percent * whole) return std::nullopt;
    return ledger::CautionHit{ledger::CautionBound::ratio, (part * 100 + whole - 1) / whole, percent};
}

/// One more than was counted, when that is over the bound.
std::optional<ledger::CautionHit> count_hit(const CoreContext& c, ledger::CautionBound bound,
                                            const std::string& name, std::int32_t allowed) {
    const std::int64_t counted = c.ledger.totals().get(name).count + 1;
    if (counted <= allowed) return std::nullopt;
    return ledger::CautionHit{bound, counted, allowed};
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
            add_counter(c, card_name(day, refund.merchant, refund.pan_token), amount, sign);
        if (policy.refunds_per_operator_day_max && !refund.operator_number.empty())
            add_counter(c, operator_name(day, refund.merchant, refund.operator_number), amount, sign);
        if (policy.refunds_per_merchant_day_max) add(c, merchant_name(day, refund.merchant), amount, sign);
    }
    if (policy.refund_ratio_percent_max &&
        day.date.days() > days_before(c.business_day, ratio_days).date.days())
        add(c, refunds_name(day, refund.merchant), amount, sign);
}

void forget(CoreContext& c, iso8583::BusinessDate closed) {
    c.ledger.totals().forget(ratio_prefix(days_before(closed, ratio_days - 1)));
}

std::vector<ledger::CautionHit> hits(const CoreContext& c, const MerchantConfig& merchant,
                                     const Refunder& who, std::int64_t amount_minor) {
    using ledger::CautionBound;
    const RefundPolicy& policy = merchant.refund;
    std::vector<ledger::CautionHit> hits;
    const auto note = [&hits](std::optional<ledger::CautionHit> hit) {
        if (hit) hits.push_back(*hit);
    };
    bool uncounted = false;
    if (policy.refunds_per_card_day_max) {
        const std::string card = card_name(c.business_day, merchant.id, who.card);
        note(count_hit(c, CautionBound::card, card, *policy.refunds_per_card_day_max));
        uncounted = !has_counter(c, card);
    }
    if (policy.refunds_per_terminal_day_caution && !who.terminal.empty())
        note(count_hit(c, CautionBound::terminal, ledger::refund_count_name(who.terminal, c.business_day),
                       *policy.refunds_per_terminal_day_caution));
    if (policy.refunds_per_operator_day_max && !who.operator_number.empty()) {
        const std::string at_the_till = operator_name(c.business_day, merchant.id, who.operator_number);
        note(count_hit(c, CautionBound::operator_number, at_the_till, *policy.refunds_per_operator_day_max));
        uncounted = uncounted || !has_counter(c, at_the_till);
    }
    if (policy.refunds_per_merchant_day_max)
        note(count_hit(c, CautionBound::merchant, merchant_name(c.business_day, merchant.id),
                       *policy.refunds_per_merchant_day_max));
    note(ratio_hit(c, merchant, amount_minor));
    // What cannot be counted any more is looked at by people.
    if (uncounted && counters_are_full(c))
        note(ledger::CautionHit{CautionBound::counters, counters_of_a_day_max + 1, counters_of_a_day_max});
    return hits;
}

std::int64_t net_sales_minor(const CoreContext& c, const iso8583::MerchantId& merchant) {
    using ledger::Account;
    // What fees and the reserve took from the merchant's payable is no refund.
    std::int64_t debits_less_credits = 0;
    for (const Account account : {Account::merchant_payable, Account::fee_income, Account::merchant_reserve})
        debits_less_credits += c.ledger.totals()
                                   .get(ledger::account_name(c.business_day, account, merchant.view()))
                                   .amount_minor;
    return -debits_less_credits;
}

}  // namespace acquirer::caution
