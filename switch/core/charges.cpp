#include "switch/core/charges.hpp"

#include <cstdlib>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using ledger::Account;
using ledger::MerchantEntryKind;
using ledger::TransactionRecord;

std::int64_t share_of(std::int64_t part, std::int64_t count, std::int64_t of) {
    ENSURE(part >= 0 && count >= 0 && of > 0);
    // Two amounts of 12 digits make 24: more than 64 bits hold.
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::int64_t>(static_cast<Wide>(part) * static_cast<Wide>(count) /
                                     static_cast<Wide>(of));
}

bool is_on_the_books(const TransactionRecord& sale) {
    std::int64_t minor = 0;
    for (const ledger::Posting& p : sale.postings) {
        minor += p.debit == Account::issuer_receivable ? p.amount_minor : 0;
        minor -= p.credit == Account::issuer_receivable ? p.amount_minor : 0;
    }
    return minor > 0;
}

namespace {

Account other_side(MerchantEntryKind kind) {
    switch (kind) {
        case MerchantEntryKind::fee:
        case MerchantEntryKind::charge:
        case MerchantEntryKind::adjustment:
            return Account::fee_income;
        case MerchantEntryKind::discount:
            return Account::issuer_receivable;
        case MerchantEntryKind::withheld:
        case MerchantEntryKind::drawn:
        case MerchantEntryKind::added:
            return Account::merchant_reserve;
    }
    ENSURE(false);
}

/// The rule of the last thing that happened to it; of a refund that only begins, that of refunds.
std::string last_rule(const TransactionRecord& record) {
    return record.history.empty() ? "R10" : record.history.back().rule;
}

}  // namespace

void post_change(CoreContext& c, const TransactionRecord& sale, const TransactionRecord* refund,
                 MerchantEntryKind kind, std::int64_t more_minor, std::int64_t stands_minor) {
    if (more_minor == 0) return;
    ledger::MerchantEntry entry;
    entry.merchant = sale.merchant;
    entry.day = c.business_day;
    entry.at = c.now.utc;
    entry.kind = kind;
    entry.rrn = sale.rrn;
    if (refund != nullptr) entry.cause = refund->rrn;
    entry.rule = last_rule(refund != nullptr ? *refund : sale);
    entry.debit = more_minor > 0 ? Account::merchant_payable : other_side(kind);
    entry.credit = more_minor > 0 ? other_side(kind) : Account::merchant_payable;
    entry.route = kind == MerchantEntryKind::discount ? sale.route : std::uint16_t{0};
    entry.amount_minor = std::abs(more_minor);
    entry.currency = sale.amount.currency();
    entry.stands_minor = stands_minor;
    ledger::MerchantBooks(c.ledger).post(std::move(entry));
}

}  // namespace acquirer
