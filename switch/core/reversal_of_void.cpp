// The part of ReversalFlow that judges the reversal of a void (R32, R34, R93): by what its route made of the
// void, a request of its own or the reversal of its sale.
#include "switch/core/pre_authorization.hpp"
#include "switch/core/reversal_flow.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {

using ledger::State;
using ledger::TransactionRecord;

/// R32. A void that its route sends as the reversal of its sale. What never left is cancelled; what people
/// had settled as voided is so at its issuer, whoever had told him.
ReversalFlow::Outcome ReversalFlow::judge_void_by_reversal(TransactionRecord& v) {
    if (v.state != State::voided && v.advice.attempts == 0) {
        if (is_of_a_settled_batch(v)) return Outcome::not_allowed;
        v.reversal_digest = digest_;
        withdraw(v);
        move(v, State::cancelled, "R32", c_.now.utc);
        undoing_.void_failed(v, "R32");
        return Outcome::accepted;
    }
    c_.open_exception(v.rrn, "void_reversal", "R32",
                      v.advice.attempts == 0
                          ? "a terminal reversed a void that people had settled before it left"
                          : "a terminal reversed a void that had been sent as the reversal of its sale");
    return Outcome::not_allowed;
}

ReversalFlow::Outcome ReversalFlow::judge_void(TransactionRecord& v) {
    switch (v.state) {
        case State::intent:
        case State::sent:
            v.reversal_digest = digest_;
            move(v, State::reverse_on_answer, "R34", c_.now.utc);
            return Outcome::accepted;
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversed:
            v.reversal_digest = digest_;
            note_rule(v, "R31", c_.now.utc);
            return Outcome::accepted;
        case State::parked:
            if (v.advice.attempts > 0) return Outcome::not_allowed;
            break;  // it waits for a person's word before it leaves (R73)
        case State::voided:
        case State::advice_pending:
            break;
        case State::declined:
        case State::refused:
        case State::cancelled:
        case State::reversal_stuck:
        case State::tombstone:
        case State::approved:
        case State::voiding:
        case State::void_reversing:
        case State::held:
        case State::cleared:
        case State::rejected:
        case State::expired:
        case State::abnormal:
        case State::alternative_account:
        case State::merchant_account:
        case State::authorized:
        case State::auth_voiding:
        case State::auth_voided:
        case State::completing:
        case State::completed:
        case State::lapsed:
        case State::not_collected:
        case State::processing:
            return Outcome::not_allowed;
    }
    // R93: the authorization may have been completed anew since its completion was voided.
    const TransactionRecord* of = c_.ledger.find(*v.original);
    if (of != nullptr && of->is_completion() && of->state == State::voided &&
        !PreAuthorization(c_).completion_may_return(*of))
        return Outcome::not_allowed;
    if (v.advice.kind == ledger::QueuedAdvice::Kind::reversal) return judge_void_by_reversal(v);
    if (c_.is_settled(v)) return Outcome::not_allowed;
    v.reversal_digest = digest_;
    c_.add_to_batch(v, -1);
    chain_.void_is_undone(v);
    undoing_.reverse(v, "R32", Original::approved);
    return Outcome::accepted;
}

}  // namespace acquirer
