#include "switch/core/discounts.hpp"

#include "switch/core/charges.hpp"

namespace acquirer::discounts {

using ledger::TransactionRecord;

std::optional<Split> read_split(std::string_view text, const routing::Route& route, iso8583::Amount sale) {
    constexpr std::size_t group_size = 20;
    constexpr std::size_t groups_max = 6;
    if (text.size() % group_size != 0 || text.size() > group_size * groups_max) return std::nullopt;
    Split split;
    for (; !text.empty(); text.remove_prefix(group_size)) {
        const std::string_view type = text.substr(2, 2);
        const bool by_wallet = type == route.wallet_funded_type;
        if (!by_wallet && type != route.merchant_funded_type) continue;
        const auto amount = iso8583::Amount::parse_field(text.substr(8, 12), sale.currency());
        if (!amount || text.substr(4, 3) != sale.currency().str()) return std::nullopt;
        (by_wallet ? split.wallet_funded_minor : split.merchant_funded_minor) += amount->minor_units();
    }
    const bool fits = split.wallet_funded_minor + split.merchant_funded_minor <= sale.minor_units();
    return fits ? std::optional(split) : std::nullopt;
}

namespace {

/// A partial reversal lowers each part as it lowers the sale.
std::int64_t now_of(const TransactionRecord& sale, std::int64_t first_part) {
    return share_of(first_part, sale.amount.minor_units(), sale.first_amount().minor_units());
}

}  // namespace

Parts parts_of(const TransactionRecord& sale, std::int64_t refunded_minor) {
    const std::int64_t amount = sale.amount.minor_units();
    const std::int64_t wallet = now_of(sale, sale.charges.wallet_funded_minor);
    const std::int64_t merchant = now_of(sale, sale.charges.merchant_funded_minor);
    Parts parts;
    parts.paid_minor = share_of(amount - wallet - merchant, refunded_minor, amount);
    parts.wallet_funded_minor = share_of(wallet, refunded_minor, amount);
    // What neither of these two covers: nobody's, so that the parts of every refund add up to it.
    parts.merchant_funded_minor = refunded_minor - parts.paid_minor - parts.wallet_funded_minor;
    return parts;
}

Parts parts_of_refund(const TransactionRecord& sale, std::int64_t before_minor, std::int64_t refund_minor) {
    const Parts before = parts_of(sale, before_minor);
    const Parts with = parts_of(sale, before_minor + refund_minor);
    return {with.paid_minor - before.paid_minor, with.wallet_funded_minor - before.wallet_funded_minor,
            with.merchant_funded_minor - before.merchant_funded_minor};
}

std::int64_t due_minor(const TransactionRecord& sale) {
    const ledger::SaleCharges& c = sale.charges;
    if ((c.merchant_funded_minor == 0 && c.wallet_funded_minor == 0) || !is_on_the_books(sale)) return 0;
    return now_of(sale, sale.charges.merchant_funded_minor) -
           parts_of(sale, sale.refunds_minor).merchant_funded_minor;
}

void fix_split(CoreContext& c, TransactionRecord& sale, std::string_view additional_amounts) {
    const auto* route = c.route(sale.route);
    if (route == nullptr || additional_amounts.empty()) return;
    const auto split = read_split(additional_amounts, *route, sale.amount);
    if (!split) {
        c.note(Severity::warning, NoteKind::discount_not_read, sale, "R102",
               "DE54 of the approval does not split the sale's amount: no discount is booked");
        return;
    }
    sale.charges.wallet_funded_minor = split->wallet_funded_minor;
    sale.charges.merchant_funded_minor = split->merchant_funded_minor;
}

void settle(CoreContext& c, TransactionRecord& sale, const TransactionRecord* refund) {
    const std::int64_t due = due_minor(sale);
    const std::int64_t more = due - sale.charges.discount_minor;
    sale.charges.discount_minor = due;
    post_change(c, sale, refund, ledger::MerchantEntryKind::discount, more, due);
}

}  // namespace acquirer::discounts
