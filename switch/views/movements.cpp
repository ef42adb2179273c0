#include "switch/views/movements.hpp"

#include <algorithm>
#include <functional>

#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/payment_kinds.hpp"

namespace acquirer {
namespace {

using iso8583::parse_error;
using ledger::Account;
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
            return std::string(payment_kind(r.instrument).name);
    }
    return "";
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

/// Calls visit with the kind and amount of every posting of the day that the merchant's account sees.
void each_movement(const TransactionRecord& r, iso8583::BusinessDate day,
                   const std::function<void(std::string, std::int64_t)>& visit) {
    std::string undone;  // what took the sale off the books last
    for (std::size_t i = 0; i < r.postings.size(); ++i) {
        const ledger::Posting& p = r.postings[i];
        const bool paid = p.credit == Account::merchant_payable;
        if (!paid && p.debit != Account::merchant_payable) continue;
        std::string kind;
        if (r.kind == TransactionKind::refund) {
            kind = paid ? "refund_taken_back" : "refund";
        } else if (!paid) {
            const bool comes_back = std::any_of(
                r.postings.begin() + static_cast<std::ptrdiff_t>(i) + 1, r.postings.end(),
                [](const ledger::Posting& later) { return later.credit == Account::merchant_payable; });
            kind = undone = undone_by(r, comes_back);
        } else {
            kind = undone.empty() ? "sale" : undone + "_taken_back";
        }
        if (p.day == day) visit(std::move(kind), p.amount_minor);
    }
}

/// The local date at which the business day began, or nothing when it has not.
iso8583::Result<std::optional<iso8583::Date>> began(const ViewContext& context, iso8583::BusinessDate day) {
    auto stored = context.store.get(ledger::Family::journal, ledger::business_day_key(day));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return std::optional<iso8583::Date>();
    const auto record = ledger::decode_business_day(**stored);
    if (!record) return parse_error("the ledger's business day cannot be read: " + record.error().what);
    const std::int32_t offset_s = context.configuration.time_zone.offset_s(record->at);
    return std::optional(iso8583::civil_from_utc(record->at, offset_s).date);
}

}  // namespace

iso8583::Result<MovementRows> movements_of(const ViewContext& context, TotalsBy by,
                                           iso8583::BusinessDate day) {
    // The day lasts from its cut-over to the next, whatever dates its clock showed.
    auto first = began(context, day);
    if (!first) return tl::unexpected(first.error());
    auto end = began(context, day.next());
    if (!end) return tl::unexpected(end.error());
    const iso8583::Date needed_from = std::min(first->value_or(day.date), day.date);
    const iso8583::Date to =
        std::max({end->value_or(context.now.local().date), day.date, needed_from}).plus_days(1);
    MovementRows rows;
    std::optional<std::string> fault;
    std::size_t read = 0;
    for (iso8583::Date date = to; date >= needed_from.plus_days(-movement_days_back);
         date = date.plus_days(-1)) {
        const auto range = ledger::transactions_of_day(date);
        auto done = context.store.scan(
            ledger::Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
                const auto record = ledger::decode_transaction_record(value);
                if (!record) fault = "the ledger's record cannot be read: " + record.error().what;
                if (fault || ++read > records_read_max) return false;
                each_movement(*record, day, [&](std::string kind, std::int64_t minor) {
                    ledger::Total& row = rows[{group_of(context, by, *record), std::move(kind)}];
                    ++row.count;
                    row.amount_minor += minor;
                });
                return true;
            });
        if (!done) return store_fault(done.error());
        if (fault) return parse_error(*fault);
        if (read > records_read_max)
            return parse_error("the days around it have more than " + std::to_string(records_read_max) +
                               " records");
    }
    return rows;
}

}  // namespace acquirer
