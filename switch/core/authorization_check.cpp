#include "switch/core/authorization_check.hpp"

#include "switch/core/pre_authorization.hpp"

namespace acquirer {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

bool stands_as_completion(State state) {
    switch (state) {
        case State::declined:
        case State::refused:
        case State::reversed:
        case State::voided:
        case State::cancelled:
        case State::tombstone:
            return false;
        default:
            return true;
    }
}

std::string authorization_fault(const TransactionRecord& completion, const TransactionRecord* authorization) {
    if (!stands_as_completion(completion.state)) return {};
    if (authorization == nullptr || authorization->kind != TransactionKind::authorization)
        return "I14: it completes what is no authorization";
    if (completion.amount.minor_units() >
        completion_bound_minor(*authorization, completion.completion_percent))
        return "I14: it is above " + std::to_string(completion.completion_percent) + " % of the " +
               authorization->amount.major() + " that were authorized";
    if (authorization->completed_by != completion.rrn)
        return "I14: it stands, and is not the completion of its authorization " + authorization->rrn.str();
    if (authorization->state != State::completing && authorization->state != State::completed)
        return "I14: it stands, and its authorization is " + std::string(ledger::name(authorization->state));
    return {};
}

}  // namespace acquirer
