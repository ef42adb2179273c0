#include "ledger/transaction_record.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace ledger {

std::string_view name(TransactionKind kind) {
    switch (kind) {
        case TransactionKind::sale:
            return "sale";
        case TransactionKind::void_sale:
            return "void";
        case TransactionKind::refund:
            return "refund";
        case TransactionKind::authorization:
            return "authorization";
    }
    ENSURE(false);
}

std::string_view name(State state) {
    switch (state) {
        case State::intent:
            return "intent";
        case State::sent:
            return "sent";
        case State::approved:
            return "approved";
        case State::declined:
            return "declined";
        case State::in_doubt:
            return "in_doubt";
        case State::reverse_on_answer:
            return "reverse_on_answer";
        case State::reversing:
            return "reversing";
        case State::reversed:
            return "reversed";
        case State::reversal_stuck:
            return "reversal_stuck";
        case State::voiding:
            return "voiding";
        case State::voided:
            return "voided";
        case State::void_reversing:
            return "void_reversing";
        case State::tombstone:
            return "tombstone";
        case State::refused:
            return "refused";
        case State::held:
            return "held";
        case State::cleared:
            return "cleared";
        case State::rejected:
            return "rejected";
        case State::expired:
            return "expired";
        case State::cancelled:
            return "cancelled";
        case State::advice_pending:
            return "advice_pending";
        case State::abnormal:
            return "abnormal";
        case State::parked:
            return "parked";
        case State::alternative_account:
            return "alternative_account";
        case State::merchant_account:
            return "merchant_account";
        case State::authorized:
            return "authorized";
        case State::auth_voiding:
            return "auth_voiding";
        case State::auth_voided:
            return "auth_voided";
        case State::completing:
            return "completing";
        case State::completed:
            return "completed";
        case State::lapsed:
            return "lapsed";
        case State::not_collected:
            return "not_collected";
        case State::processing:
            return "processing";
    }
    ENSURE(false);
}

bool is_state(std::uint64_t value) {
    const auto between = [value](State first, State last) {
        return value >= static_cast<std::uint64_t>(first) && value <= static_cast<std::uint64_t>(last);
    };
    return between(State::intent, State::merchant_account) || between(State::processing, State::processing) ||
           between(State::authorized, State::not_collected);
}

bool AskingKey::is_same_key(const AskingKey& other) const {
    return terminal == other.terminal && batch == other.batch && stan == other.stan &&
           transmission_time == other.transmission_time && processing_code == other.processing_code;
}

std::uint16_t TransactionRecord::debit_route(std::size_t n) const {
    for (const Rerouted& r : reroutes)
        if (n <= r.postings_before) return r.from;
    return route;
}

std::uint16_t TransactionRecord::credit_route(std::size_t n) const {
    for (const Rerouted& r : reroutes)
        if (n < r.postings_before) return r.from;
    return route;
}

std::int64_t TransactionRecord::remaining_minor() const {
    const std::int64_t rest = amount.minor_units() - refunds_minor - chargebacks_minor;
    return rest < 0 ? 0 : rest;
}

namespace {

template <typename Reversals>
auto first_waiting(Reversals& reversals) -> decltype(&reversals.front()) {
    const auto open = std::find_if(reversals.begin(), reversals.end(), [](const PartialReversal& p) {
        return p.status == PartialReversal::Status::waiting;
    });
    return open == reversals.end() ? nullptr : &*open;
}

}  // namespace

const PartialReversal* TransactionRecord::open_partial() const { return first_waiting(lowering.reversals); }
PartialReversal* TransactionRecord::open_partial() { return first_waiting(lowering.reversals); }

std::int64_t TransactionRecord::lowered_to_minor() const {
    const auto last = std::find_if(lowering.reversals.rbegin(), lowering.reversals.rend(), [](const auto& p) {
        return p.status != PartialReversal::Status::refused;
    });
    return last == lowering.reversals.rend() ? first_amount().minor_units() : last->left_minor;
}

bool counts_in_remaining(State s) {
    switch (s) {
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::declined:
        case State::reversed:
        case State::cancelled:
        case State::tombstone:
        case State::authorized:  // none of a refund, as what follows it
        case State::auth_voiding:
        case State::auth_voided:
        case State::completing:
        case State::completed:
        case State::lapsed:
        case State::not_collected:
            return false;
        case State::intent:
        case State::sent:
        case State::approved:
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversal_stuck:
        case State::voiding:
        case State::voided:
        case State::void_reversing:
        case State::held:
        case State::cleared:
        case State::advice_pending:
        case State::abnormal:
        case State::parked:
        case State::alternative_account:
        case State::merchant_account:
        case State::processing:
            return true;
    }
    ENSURE(false);
}

std::int64_t counted_minor(const TransactionRecord& refund) {
    return counts_in_remaining(refund.state) ? refund.amount.minor_units()
                                             : refund.decided.counted_again_minor;
}

bool is_open(const TransactionRecord& record) {
    switch (record.state) {
        case State::intent:
        case State::sent:
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::held:
        case State::cleared:
        case State::reversing:
        case State::advice_pending:
        case State::reversal_stuck:
        case State::voiding:
        case State::void_reversing:
        case State::abnormal:
        case State::parked:
        case State::authorized:  // it lapses (R95)
        case State::auth_voiding:
        case State::completing:
        case State::not_collected:
        case State::processing:
            return true;
        case State::approved:
        case State::declined:
        case State::reversed:
        case State::tombstone:
        case State::lapsed:
            // A partial reversal (R39); a blind 0420, of a tombstone or what came after it (R35, R36); a late
            // approval after "not found", which starts a new reversal of what was already reversed (R51a);
            // the 0220 that completes a sale (R94); the 0420 of what has lapsed (R95).
            return (record.advice.kind == QueuedAdvice::Kind::reversal ||
                    record.advice.kind == QueuedAdvice::Kind::completion) &&
                   record.advice.status != QueuedAdvice::Status::final;
        case State::auth_voided:
        case State::completed:
        case State::voided:
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::cancelled:
        case State::alternative_account:
        case State::merchant_account:
            return false;
    }
    ENSURE(false);
}

}  // namespace ledger
