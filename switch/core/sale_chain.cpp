#include "switch/core/sale_chain.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/postings_bound.hpp"
#include "switch/core/caution.hpp"
#include "switch/core/charges.hpp"
#include "switch/core/discounts.hpp"
#include "switch/core/fees.hpp"
#include "switch/core/pre_authorization.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {

using ledger::Account;
using ledger::State;
using ledger::TransactionRecord;
using reserve_fund::Share;

namespace {

// What a void makes of what it is of.
State voiding_of(const TransactionRecord& r) {
    return r.kind == ledger::TransactionKind::authorization ? State::auth_voiding : State::voiding;
}
State voided_of(const TransactionRecord& r) {
    return r.kind == ledger::TransactionKind::authorization ? State::auth_voided : State::voided;
}
std::string_view void_rule_of(const TransactionRecord& r) {
    return r.kind == ledger::TransactionKind::authorization ? "R91" : "R3";
}

/// The day in which the refund was reserved last: the counters of the terminal's day were those of that day.
iso8583::BusinessDate day_of_reservation(const TransactionRecord& refund) {
    for (auto posting = refund.postings.rbegin(); posting != refund.postings.rend(); ++posting)
        if (posting->debit == Account::merchant_payable && posting->credit == Account::refund_in_transit)
            return posting->day;
    ENSURE(false);
}

}  // namespace

TransactionRecord& SaleChain::sale_of(const TransactionRecord& refund_or_void) {
    ENSURE(refund_or_void.original.has_value());
    TransactionRecord* sale = c_.ledger.edit(*refund_or_void.original);
    ENSURE(sale != nullptr);
    return *sale;
}

void SaleChain::count_in_day(const TransactionRecord& refund, int sign) {
    if (sign > 0) caution::count_refund(c_, refund, c_.business_day, sign);
    if (refund.from_operations) return;
    c_.ledger.totals().add(ledger::refund_count_name(refund.terminal, c_.business_day), sign,
                           sign * refund.amount.minor_units());
}

void SaleChain::post(TransactionRecord& sale) {
    if (sale.postings.empty()) {  // terms are those of the first time; a sale that stands again keeps them
        fees::fix_terms(c_, sale);
        reserve_fund::fix_terms(c_, sale);
    }
    c_.ledger.post_sale(sale, c_.business_day);
    caution::count_sale(c_, sale, +1);
    settle_charges(sale, Share::rise_or_fall);
}

void SaleChain::unpost(TransactionRecord& sale) {
    c_.ledger.unpost_sale(sale, c_.business_day);
    caution::count_sale(c_, sale, -1);
    settle_charges(sale, Share::only_fall);
}

void SaleChain::settle_charges(TransactionRecord& sale, Share may) {
    fees::settle(c_, sale, nullptr);
    discounts::settle(c_, sale, nullptr);
    reserve_fund::settle(c_, sale, may);
}

void SaleChain::settle_charges_of_refund(TransactionRecord& sale, const TransactionRecord& refund) {
    fees::settle(c_, sale, &refund);
    discounts::settle(c_, sale, &refund);
}

void SaleChain::sale_approved(TransactionRecord& sale) {
    post(sale);
    if (sale.is_completion()) PreAuthorization(c_).completion_stands(sale, "R92");
}

void SaleChain::sale_declined(const TransactionRecord& sale) {
    if (sale.is_completion()) PreAuthorization(c_).completion_undone(sale, "R92");
}

void SaleChain::completion_cancelled(TransactionRecord& completion) {
    unpost(completion);
    PreAuthorization(c_).completion_undone(completion, "R33");
}

bool SaleChain::sale_in_doubt_again(const TransactionRecord& sale, std::string_view rule) {
    if (!sale.is_completion()) return true;
    PreAuthorization authorization(c_);
    if (!authorization.completion_may_return(sale)) return false;
    authorization.completion_in_doubt_again(sale, rule);
    return true;
}

void SaleChain::sale_reversed(TransactionRecord& sale) {
    if (is_on_the_books(sale)) unpost(sale);
    if (sale.is_completion()) PreAuthorization(c_).completion_undone(sale, "R50");
}

void SaleChain::sale_stands(TransactionRecord& sale) {
    if (!is_on_the_books(sale)) post(sale);
    if (sale.is_completion()) PreAuthorization(c_).completion_stands(sale, "R72");
}

void SaleChain::change_amount(TransactionRecord& sale, std::int64_t to_minor) {
    const bool counts_in_batch = sale.state == State::approved && !c_.is_settled(sale);
    if (counts_in_batch) c_.add_to_batch(sale, -1);
    const Share may = to_minor > sale.amount.minor_units() ? Share::rise_or_fall : Share::only_fall;
    caution::count_sale(c_, sale, -1);
    c_.ledger.change_sale(sale, to_minor, c_.business_day);
    caution::count_sale(c_, sale, +1);
    settle_charges(sale, may);
    if (counts_in_batch) c_.add_to_batch(sale, +1);
}

void SaleChain::refund_stands(TransactionRecord& refund) {
    if (refund.postings.back().credit != Account::issuer_receivable)
        c_.ledger.post_refund(refund, c_.business_day);
}

void SaleChain::paid_to_merchant(TransactionRecord& refund) {
    c_.ledger.pay_suspended(refund, Account::merchant_payable, c_.business_day);
}

void SaleChain::paid_outside(TransactionRecord& refund) {
    c_.ledger.pay_suspended(refund, Account::paid_outside, c_.business_day);
}

void SaleChain::paid_twice(TransactionRecord& refund) {
    refund.decided.paid_twice = true;
    c_.ledger.pay_again(refund, c_.business_day);
    // I2: of a sale that was voided or reversed since, nothing remains that it could count against.
    TransactionRecord& sale = sale_of(refund);
    if (refund.state == State::cancelled && sale.state == State::approved) {
        c_.ledger.count_again(sale, refund);
        settle_charges_of_refund(sale, refund);
        reserve_fund::draw(c_, refund, refund.decided.counted_again_minor, reserve_fund::Draw::what_there_is);
    }
}

void SaleChain::case_not_paid(const TransactionRecord& refund) {
    if (refund.checker.empty() || refund.reversal_digest != 0) return;
    c_.open_exception(refund.rrn, "case_not_paid", "R76",
                      "a refund that a checker approved did not reach the customer: " +
                          std::string(ledger::name(refund.state)) +
                          "; the customer holds a slip and must be told",
                      ledger::Urgency::alarm);
}

void SaleChain::charged_back(TransactionRecord& sale, std::int64_t minor) {
    c_.ledger.post_chargeback(sale, minor, c_.business_day);
}

void SaleChain::charge_back_won(TransactionRecord& sale, std::int64_t minor) {
    c_.ledger.post_chargeback(sale, -minor, c_.business_day);
}

void SaleChain::reserve(TransactionRecord& refund, const iso8583::Rrn& sale_rrn) {
    TransactionRecord* sale = c_.ledger.edit(sale_rrn);
    ENSURE(sale != nullptr);
    c_.ledger.reserve(*sale, refund, c_.business_day);
    static_cast<void>(c_.ledger.refund_facts(refund.rrn));  // the next refund of the sale asks for them
    count_in_day(refund, +1);
    settle_charges_of_refund(*sale, refund);
    // What waits for funds (R27) draws when they are there.
    reserve_fund::draw(c_, refund, refund.amount.minor_units(), reserve_fund::Draw::whole_or_nothing);
}

bool SaleChain::reserve_again(TransactionRecord& refund) {
    TransactionRecord& sale = sale_of(refund);
    // I2: it may have been voided or reversed since.
    if (sale.state != State::approved || sale.remaining_minor() < refund.amount.minor_units() ||
        !ledger::may_begin_again(refund))
        return false;
    // It stands in the sale's chain of refunds already.
    const auto before = refund.last_refund;
    const auto newest = sale.last_refund;
    c_.ledger.reserve(sale, refund, c_.business_day);
    refund.last_refund = before;
    sale.last_refund = newest;
    count_in_day(refund, +1);
    settle_charges_of_refund(sale, refund);
    reserve_fund::draw(c_, refund, refund.amount.minor_units(),
                       refund.state == State::held ? reserve_fund::Draw::whole_or_nothing
                                                   : reserve_fund::Draw::what_there_is);
    return true;
}

void SaleChain::refund_approved(TransactionRecord& refund) { c_.ledger.post_refund(refund, c_.business_day); }

void SaleChain::refund_abnormal(TransactionRecord& refund) {
    c_.ledger.suspend_refund(refund, c_.business_day);
}

void SaleChain::release(TransactionRecord& refund) {
    // The counters of an earlier day went with its cut-over.
    const iso8583::BusinessDate reserved = day_of_reservation(refund);
    const bool counts_today = reserved == c_.business_day;
    TransactionRecord& sale = sale_of(refund);
    c_.ledger.release(sale, refund, c_.business_day);
    settle_charges_of_refund(sale, refund);
    reserve_fund::give_back(c_, refund);
    caution::count_refund(c_, refund, reserved, -1);
    if (counts_today) count_in_day(refund, -1);
}

/// Off the books; a completion gives its authorization back (R93).
void SaleChain::set_voided(TransactionRecord& sale, std::string_view rule) {
    move(sale, voided_of(sale), rule, c_.now.utc);
    if (sale.kind == ledger::TransactionKind::authorization) return;
    unpost(sale);
    if (sale.is_completion()) PreAuthorization(c_).completion_undone(sale, "R93");
}

void SaleChain::void_asked(TransactionRecord& void_record, const iso8583::Rrn& sale_rrn) {
    void_record.original = sale_rrn;
    TransactionRecord& sale = sale_of(void_record);
    sale.voided_by = void_record.rrn;
    if (sale.kind == ledger::TransactionKind::authorization)
        PreAuthorization(c_).move_to(sale, State::auth_voiding, "R91");
    else
        move(sale, State::voiding, "R3", c_.now.utc);
}

/// What came to nothing as a 0420 is answered with the sale's RRN, which leads to the newest void: it knows
/// the numbers of those before it.
void SaleChain::know_numbers_of_void_before(const TransactionRecord& sale, TransactionRecord& void_record) {
    const TransactionRecord* before = sale.voided_by ? c_.ledger.find(*sale.voided_by) : nullptr;
    if (before == nullptr || before->advice.kind != ledger::QueuedAdvice::Kind::reversal ||
        before->advice.attempts == 0)
        return;
    void_record.earlier_attempts = before->earlier_attempts;
    auto& known = void_record.earlier_attempts;
    if (known.size() == ledger::earlier_attempts_max) known.erase(known.begin());
    known.push_back({before->advice.stan, before->advice.transmission_time});
}

void SaleChain::void_queued(TransactionRecord& void_record, const iso8583::Rrn& sale_rrn) {
    void_record.original = sale_rrn;
    TransactionRecord& sale = sale_of(void_record);
    know_numbers_of_void_before(sale, void_record);
    sale.voided_by = void_record.rrn;
    c_.deadlines.cancel({DeadlineId::Kind::lapse, sale.rrn, 0});
    set_voided(sale, void_rule_of(sale));
}

void SaleChain::void_approved(const TransactionRecord& void_record) {
    TransactionRecord& sale = sale_of(void_record);
    // reverse_if_void_fails stays: a void that is reversed later has failed too (R34, R32).
    set_voided(sale, void_rule_of(sale));
}

void SaleChain::void_is_undone(const TransactionRecord& void_record) {
    TransactionRecord& sale = sale_of(void_record);
    move(sale, State::void_reversing, "R32", c_.now.utc);
    if (sale.is_completion()) PreAuthorization(c_).completion_in_doubt_again(sale, "R32");
}

void SaleChain::void_stands(const TransactionRecord& void_record) {
    TransactionRecord& sale = sale_of(void_record);
    if (sale.state == State::void_reversing) {
        move(sale, voided_of(sale), "R32", c_.now.utc);
        if (sale.is_completion()) PreAuthorization(c_).completion_undone(sale, "R32");
    } else if (sale.state == voiding_of(sale)) {
        // The void was undone before it had been answered, and its issuer keeps it.
        set_voided(sale, "R32");
    }
}

bool SaleChain::void_in_doubt_again(const TransactionRecord& void_record) {
    TransactionRecord& sale = sale_of(void_record);
    const bool is_authorization = sale.kind == ledger::TransactionKind::authorization;
    const bool stands = sale.state == (is_authorization ? State::authorized : State::approved);
    if (!stands || sale.refunds_count != 0) return false;
    if (is_authorization && !PreAuthorization(c_).is_free(sale)) return false;
    sale.voided_by = void_record.rrn;  // void_failed() took it off: the sale waits for this one again
    if (is_authorization)
        PreAuthorization(c_).move_to(sale, State::auth_voiding, "R51a");
    else
        move(sale, State::voiding, "R51a", c_.now.utc);
    return true;
}

TransactionRecord* SaleChain::void_failed(const TransactionRecord& void_record, std::string_view rule) {
    TransactionRecord& sale = sale_of(void_record);
    const bool was_undone = sale.state == voided_of(sale) || sale.state == State::void_reversing;
    if (sale.kind == ledger::TransactionKind::authorization) {
        PreAuthorization(c_).move_to(sale, State::authorized, was_undone ? "R32" : rule);
    } else {
        move(sale, State::approved, was_undone ? "R32" : rule, c_.now.utc);
        if (was_undone) post(sale);
        if (was_undone && sale.is_completion()) PreAuthorization(c_).completion_stands(sale, "R32");
    }
    // An issuer may still speak of one that went as the reversal of its sale: its answer names the sale
    // (R51).
    const bool went_as_reversal = void_record.advice.kind == ledger::QueuedAdvice::Kind::reversal &&
                                  void_record.issuer_stan == 0 && void_record.advice.attempts > 0;
    if (!went_as_reversal) sale.voided_by.reset();
    const bool reverse_now = sale.reverse_if_void_fails;
    sale.reverse_if_void_fails = false;
    return reverse_now ? &sale : nullptr;
}

std::optional<std::vector<iso8583::Rrn>> SaleChain::held_refunds(const TransactionRecord& sale) const {
    std::vector<iso8583::Rrn> held;
    for (std::optional<iso8583::Rrn> at = sale.last_refund; at;) {
        const TransactionRecord* refund = c_.ledger.find(*at);
        if (refund == nullptr) return std::nullopt;
        at = refund->last_refund;
        if (!ledger::counts_in_remaining(refund->state)) continue;
        if (refund->state != State::held) return std::nullopt;
        held.push_back(refund->rrn);
    }
    return held;
}

}  // namespace acquirer
