#include "switch/core/reserve_fund.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/caution.hpp"
#include "switch/core/charges.hpp"

namespace acquirer::reserve_fund {

using ledger::MerchantEntryKind;
using ledger::TransactionRecord;

namespace {

const RefundPolicy* policy_of(const CoreContext& c, const iso8583::MerchantId& id) {
    const MerchantConfig* merchant = c.config->find_merchant(id);
    return merchant == nullptr ? nullptr : &merchant->refund;
}

/// How much more a sale may bring in: up to `reserve_max`, which add() and give_back() may have passed.
std::int64_t room_minor(CoreContext& c, const iso8583::MerchantId& merchant) {
    const RefundPolicy* policy = policy_of(c, merchant);
    if (policy == nullptr || policy->funding != RefundFunding::reserve) return 0;
    if (!policy->reserve_max) return iso8583::Amount::minor_units_max;
    return std::max<std::int64_t>(0, *policy->reserve_max - holds_minor(c, merchant));
}

}  // namespace

std::int64_t holds_minor(CoreContext& c, const iso8583::MerchantId& merchant) {
    return ledger::MerchantBooks(c.ledger).reserve_minor(merchant);
}

void fix_terms(const CoreContext& c, TransactionRecord& sale) {
    const RefundPolicy* policy = policy_of(c, sale.merchant);
    if (policy != nullptr && policy->funding == RefundFunding::reserve)
        sale.charges.reserve_percent = policy->reserve_percent;
}

void settle(CoreContext& c, TransactionRecord& sale, Share may) {
    constexpr std::int64_t whole = ledger::reserve_percent_max;
    std::int64_t& withheld = sale.charges.withheld_minor;
    const std::int64_t share =
        is_on_the_books(sale) ? share_of(sale.amount.minor_units(), sale.charges.reserve_percent, whole) : 0;
    if (share > withheld) {
        if (may == Share::only_fall) return;
        const std::int64_t more = std::min(share - withheld, room_minor(c, sale.merchant));
        withheld += more;
        post_change(c, sale, nullptr, MerchantEntryKind::withheld, more, 0);
    } else if (share < withheld) {
        // Refunds may have used it up: the rest comes out of what the merchant is owed, as the sale itself.
        const std::int64_t back = std::min(withheld - share, holds_minor(c, sale.merchant));
        withheld = share;
        post_change(c, sale, nullptr, MerchantEntryKind::withheld, -back, 0);
    }
}

void draw(CoreContext& c, TransactionRecord& refund, std::int64_t counts_minor, Draw how) {
    const RefundPolicy* policy = policy_of(c, refund.merchant);
    if (policy == nullptr || policy->funding != RefundFunding::reserve) return;
    const TransactionRecord* sale = c.ledger.find(*refund.original);
    ENSURE(sale != nullptr);
    const std::int64_t wanted = counts_minor - refund.drawn_minor;
    const std::int64_t there = holds_minor(c, refund.merchant);
    const std::int64_t drawn = how == Draw::whole_or_nothing && there < wanted ? 0 : std::min(wanted, there);
    if (drawn <= 0) return;
    refund.drawn_minor += drawn;
    post_change(c, *sale, &refund, MerchantEntryKind::drawn, -drawn, 0);
}

void give_back(CoreContext& c, TransactionRecord& refund) {
    const TransactionRecord* sale = c.ledger.find(*refund.original);
    ENSURE(sale != nullptr);
    const std::int64_t drawn = refund.drawn_minor;
    refund.drawn_minor = 0;
    post_change(c, *sale, &refund, MerchantEntryKind::drawn, drawn, 0);
}

void add(CoreContext& c, const iso8583::MerchantId& merchant, iso8583::Amount amount, const std::string& note,
         const std::string& by) {
    ledger::MerchantEntry entry;
    entry.merchant = merchant;
    entry.day = c.business_day;
    entry.at = c.now.utc;
    entry.kind = MerchantEntryKind::added;
    entry.rule = "R104";
    entry.debit = ledger::Account::merchant_payable;
    entry.credit = ledger::Account::merchant_reserve;
    entry.amount_minor = amount.minor_units();
    entry.currency = amount.currency();
    entry.text = note;
    entry.by = by;
    ledger::MerchantBooks(c.ledger).post(std::move(entry));
}

}  // namespace acquirer::reserve_fund

namespace acquirer {

std::optional<std::int64_t> funds_minor(CoreContext& c, const MerchantConfig& merchant) {
    switch (merchant.refund.funding) {
        case RefundFunding::none:
            return std::nullopt;
        case RefundFunding::net_sales:
            return caution::net_sales_minor(c, merchant.id);
        case RefundFunding::reserve:
            return reserve_fund::holds_minor(c, merchant.id);
    }
    ENSURE(false);
}

}  // namespace acquirer
