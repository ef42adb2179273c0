#include "switch/views/movements.hpp"

#include <algorithm>
#include <functional>

#include "ledger/merchant_books.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/views/report_days.hpp"

namespace acquirer {
namespace {

using iso8583::parse_error;
using ledger::Account;
using ledger::Posting;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

std::string group_of(const ViewContext& context, TotalsBy by, const TransactionRecord& r) {
    switch (by) {
        case TotalsBy::route:
            return route_name(context, r.route);
        case TotalsBy::merchant:
            return r.merchant.str();
        case TotalsBy::terminal:
            return r.terminal.str();
        case TotalsBy::instrument:
            return std::string(instrument_name(r));
        case TotalsBy::reason:
            return refund_reason(r);
    }
    return "";
}

/// The other account of a posting that merchants' account sees; nothing of another posting.
std::optional<Account> other_account(const Posting& p) {
    if (p.credit == Account::merchant_payable) return p.debit;
    if (p.debit == Account::merchant_payable) return p.credit;
    return std::nullopt;
}

/// A sale's postings are its own, those of its void and those of its reversal: what took it off the books,
/// and put it there again.
std::string_view undone_by(const TransactionRecord& sale, bool taken_back) {
    const bool is_voided = sale.state == State::voided || sale.state == State::void_reversing;
    // What a void took off comes back when the void is reversed; a reversal comes back when it is refused.
    const bool was_voided =
        std::any_of(sale.history.begin(), sale.history.end(),
                    [](const ledger::HistoryEntry& entry) { return entry.state == State::voided; });
    const bool by_void = is_voided || (taken_back && was_voided);
    return by_void ? "void" : "reversal";
}

std::string kind_of_refund(const TransactionRecord& refund, const Posting& p) {
    if (p.credit != Account::merchant_payable) return "refund";
    // R74: the merchant has the money back and pays the customer; the refund goes on counting.
    return refund.state == State::merchant_account ? "refund_by_merchant" : "refund_taken_back";
}

/// Calls visit with kind and posting for every posting of the day that the merchant's account sees.
void each_movement(const TransactionRecord& r, iso8583::BusinessDate day,
                   const std::function<void(std::string, const Posting&)>& visit) {
    std::string undone;  // what took the sale off the books last
    for (std::size_t i = 0; i < r.postings.size(); ++i) {
        const Posting& p = r.postings[i];
        const auto other = other_account(p);
        if (!other) continue;
        const bool paid = p.credit == Account::merchant_payable;
        std::string kind;
        if (r.kind == TransactionKind::refund) {
            kind = kind_of_refund(r, p);
        } else if (*other == Account::chargebacks) {
            kind = paid ? "chargeback_taken_back" : "chargeback";
        } else if (!paid) {
            const bool comes_back = std::any_of(r.postings.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                                r.postings.end(), [](const Posting& later) {
                                                    return later.credit == Account::merchant_payable &&
                                                           later.debit != Account::chargebacks;
                                                });
            kind = undone = undone_by(r, comes_back);
        } else {
            kind = undone.empty() ? "sale" : undone + "_taken_back";
        }
        if (p.day == day) visit(std::move(kind), p);
    }
}

/// R102: what merchants gave of their sales as discounts; fees and reserves are accounts of their own.
iso8583::Result<void> add_discounts(const ViewContext& context, TotalsBy by, iso8583::BusinessDate day,
                                    Movements& movements) {
    std::optional<iso8583::ParseError> fault;
    const auto add = [&](const ledger::MerchantEntry& e) {
        if (e.kind != ledger::MerchantEntryKind::discount) return true;
        const auto sale = read_record(context, e.rrn);
        if (!sale || !*sale) {
            fault = sale ? iso8583::ParseError{"a discount's sale is not there"} : sale.error();
            return false;
        }
        const bool given = e.from_merchant_minor() > 0;
        ledger::Total& row =
            movements.rows[{group_of(context, by, **sale), given ? "discount" : "discount_taken_back"}];
        ++row.count;
        row.amount_minor += e.amount_minor;
        movements.payable_minor -= e.from_merchant_minor();
        return true;
    };
    for (const auto& [id, merchant] : context.configuration.merchants) {
        const auto range = ledger::entries_of(ledger::MerchantBook::fees, id, day);
        if (auto done = ledger::visit_merchant_entries(context.store, range, add); !done)
            return store_fault(done.error());
    }
    if (fault) return tl::unexpected(*fault);
    return {};
}

}  // namespace

std::string refund_reason(const TransactionRecord& record) {
    return record.kind == TransactionKind::refund ? record.reason : "";
}

iso8583::Result<Movements> movements_of(const ViewContext& context, TotalsBy by, iso8583::BusinessDate day) {
    const auto span = dates_of(context, day);
    if (!span) return tl::unexpected(span.error());
    Movements movements;
    movements.read_from = span->to.plus_days(1);
    std::size_t left = report_records_max;
    const auto visit = [&](const TransactionRecord& record) {
        each_movement(record, day, [&](std::string kind, const Posting& p) {
            ledger::Total& row = movements.rows[{group_of(context, by, record), std::move(kind)}];
            ++row.count;
            row.amount_minor += p.amount_minor;
            movements.payable_minor +=
                p.credit == Account::merchant_payable ? p.amount_minor : -p.amount_minor;
        });
    };
    for (iso8583::Date date = span->to; date >= span->from.plus_days(-movement_days_back);
         date = date.plus_days(-1)) {
        auto whole = read_date(context, date, left, visit);
        if (!whole) return tl::unexpected(whole.error());
        if (!*whole) break;
        movements.read_from = date;
    }
    if (auto added = add_discounts(context, by, day, movements); !added) return tl::unexpected(added.error());
    return movements;
}

}  // namespace acquirer
