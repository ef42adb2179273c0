// The part of the ledger that is the money of one sale: what is posted, reserved, released, suspended and
// charged back, and what remains of the sale then. A posting is in the totals as soon as it is made.
#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/ledger.hpp"
#include "ledger/postings_bound.hpp"

namespace ledger {

void Ledger::post(TransactionRecord& record, Posting posting) {
    ENSURE(record.postings.size() < postings_max);
    const std::size_t n = record.postings.size();
    const auto who = [&](Account account, std::uint16_t route) {
        return account == Account::merchant_payable ? record.merchant.str() : std::to_string(route);
    };
    totals_.add(account_name(posting.day, posting.debit, who(posting.debit, record.debit_route(n))), 1,
                posting.amount_minor);
    totals_.add(account_name(posting.day, posting.credit, who(posting.credit, record.credit_route(n))), 1,
                -posting.amount_minor);
    record.postings.push_back(posting);
}

void Ledger::post_sale(TransactionRecord& sale, iso8583::BusinessDate day) {
    post(sale, {day, Account::issuer_receivable, Account::merchant_payable, sale.amount.minor_units()});
}
void Ledger::unpost_sale(TransactionRecord& sale, iso8583::BusinessDate day) {
    post(sale, {day, Account::merchant_payable, Account::issuer_receivable, sale.amount.minor_units()});
}

void Ledger::change_sale(TransactionRecord& sale, std::int64_t to_minor, iso8583::BusinessDate day) {
    ENSURE(to_minor > 0 && to_minor >= sale.refunds_minor + sale.chargebacks_minor);
    const std::int64_t more = to_minor - sale.amount.minor_units();
    sale.amount = iso8583::Amount(to_minor, sale.amount.currency());
    if (more > 0) post(sale, {day, Account::issuer_receivable, Account::merchant_payable, more});
    if (more < 0) post(sale, {day, Account::merchant_payable, Account::issuer_receivable, -more});
}

void Ledger::reserve(TransactionRecord& sale, TransactionRecord& refund, iso8583::BusinessDate day) {
    ENSURE(refund.amount.currency() == sale.amount.currency());
    ENSURE(refund.amount.minor_units() <= sale.remaining_minor());
    sale.refunds_minor += refund.amount.minor_units();
    ++sale.refunds_count;
    refund.original = sale.rrn;
    refund.last_refund = sale.last_refund;
    sale.last_refund = refund.rrn;
    recent_refunds_.reserved(refund);
    post(refund, {day, Account::merchant_payable, Account::refund_in_transit, refund.amount.minor_units()});
}

void Ledger::reroute(TransactionRecord& refund, std::uint16_t to, iso8583::BusinessDate day) {
    if (refund.route == to) return;
    ENSURE(refund.reroutes.size() < reroutes_max && !refund.postings.empty());
    const Account stands_in = refund.postings.back().credit;
    refund.reroutes.push_back({refund.route, static_cast<std::uint32_t>(refund.postings.size())});
    refund.route = to;
    post(refund, {day, stands_in, stands_in, refund.amount.minor_units()});
}

void Ledger::post_refund(TransactionRecord& refund, iso8583::BusinessDate day) {
    post(refund,
         {day, refund.postings.back().credit, Account::issuer_receivable, refund.amount.minor_units()});
}

void Ledger::release(TransactionRecord& sale, TransactionRecord& refund, iso8583::BusinessDate day) {
    ENSURE(refund.original == sale.rrn && sale.refunds_count > 0);
    sale.refunds_minor -= refund.amount.minor_units();
    --sale.refunds_count;
    ENSURE(sale.refunds_minor >= 0);
    post(refund,
         {day, refund.postings.back().credit, Account::merchant_payable, refund.amount.minor_units()});
}

void Ledger::suspend_refund(TransactionRecord& refund, iso8583::BusinessDate day) {
    if (refund.postings.back().credit == Account::refund_suspense) return;  // refused again
    post(refund, {day, refund.postings.back().credit, Account::refund_suspense, refund.amount.minor_units()});
}

void Ledger::post_chargeback(TransactionRecord& sale, std::int64_t minor, iso8583::BusinessDate day) {
    ENSURE(minor <= sale.remaining_minor() && sale.chargebacks_minor + minor >= 0);
    sale.chargebacks_minor += minor;
    if (minor >= 0)
        post(sale, {day, Account::merchant_payable, Account::chargebacks, minor});
    else
        post(sale, {day, Account::chargebacks, Account::merchant_payable, -minor});
}

void Ledger::pay_suspended(TransactionRecord& refund, Account to, iso8583::BusinessDate day) {
    post(refund, {day, refund.postings.back().credit, to, refund.amount.minor_units()});
}

void Ledger::pay_again(TransactionRecord& refund, iso8583::BusinessDate day) {
    post(refund, {day, Account::refund_suspense, Account::issuer_receivable, refund.amount.minor_units()});
}

void Ledger::count_again(TransactionRecord& sale, TransactionRecord& refund) {
    ENSURE(refund.original == sale.rrn && refund.decided.counted_again_minor == 0);
    const std::int64_t counts = std::min(refund.amount.minor_units(), sale.remaining_minor());
    if (counts == 0) return;
    refund.decided.counted_again_minor = counts;
    sale.refunds_minor += counts;
    ++sale.refunds_count;
}

}  // namespace ledger
