#include "switch/core/refund_policy.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/postings_bound.hpp"

namespace acquirer {

using ledger::State;

Refusal refund_state(const ledger::TransactionRecord& sale) {
    if (sale.hold || sale.kind == ledger::TransactionKind::authorization)
        return Refusal::original_not_refundable;
    switch (sale.state) {
        case State::approved:
            // R39: what remains of it is not sure before its 0420 is final.
            // R94: nor what has not been collected yet.
            return sale.open_partial() != nullptr || sale.is_uncollected() ? Refusal::original_busy
                                                                           : Refusal::none;
        case State::voided:
        case State::reversed:
        case State::declined:
        case State::reversal_stuck:
        case State::tombstone:
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::cancelled:
        case State::not_collected:
            return Refusal::original_not_refundable;
        case State::intent:
        case State::sent:
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::voiding:
        case State::void_reversing:
            return Refusal::original_busy;
        case State::held:
        case State::cleared:
        case State::advice_pending:
        case State::abnormal:
        case State::parked:
        case State::alternative_account:
        case State::merchant_account:
        case State::authorized:
        case State::auth_voiding:
        case State::auth_voided:
        case State::completing:
        case State::completed:
        case State::lapsed:
        case State::processing:
            break;
    }
    ENSURE(false);  // states of a refund or an authorization; a sale has none of them
}

Refusal void_right(const ledger::TransactionRecord& sale, BatchState batch, iso8583::BusinessDate today) {
    if (batch == BatchState::settled || sale.business_date < today) return Refusal::void_after_settlement;
    if (sale.refunds_count > 0 || sale.chargebacks_minor > 0) return Refusal::void_after_refund;
    return ledger::may_begin_again(sale) ? Refusal::none : Refusal::original_not_refundable;
}

Refusal refund_window(const ledger::TransactionRecord& sale, std::int32_t window_days,
                      iso8583::BusinessDate today) {
    const std::int32_t age_days = today.date.days() - sale.business_date.date.days();
    return age_days > window_days ? Refusal::window_passed : Refusal::none;
}

Refusal refund_limits(const RefundPolicy& policy, std::int64_t amount_minor, std::int64_t counted_today) {
    if (policy.refund_amount_max && amount_minor > *policy.refund_amount_max) return Refusal::amount_limit;
    if (policy.refunds_per_terminal_day_max && counted_today >= *policy.refunds_per_terminal_day_max)
        return Refusal::count_limit;
    return Refusal::none;
}

bool is_old(const RefundPolicy& policy, const ledger::TransactionRecord& sale, iso8583::BusinessDate today) {
    const std::int32_t age_days = today.date.days() - sale.business_date.date.days();
    return policy.approval_age_days && age_days > *policy.approval_age_days;
}

bool needs_approval(const RefundPolicy& policy, std::int64_t amount_minor, CardEntry entry) {
    return amount_minor > policy.approval_amount_above ||
           (entry == CardEntry::keyed && amount_minor > policy.approval_keyed_amount_above);
}

}  // namespace acquirer
