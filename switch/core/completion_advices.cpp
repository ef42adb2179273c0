// The part of StoreAndForward that ends the 0220 which completes a sale: what its answers mean, in time and
// late. The sale is approved and on the books from its acceptance on; until the 0220 is final it is
// uncollected, and what the issuer refuses for good waits for two people. R94, rulings 7, 8 and 37.
#include "iso8583/values/ensure.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

using ledger::QueuedAdvice;
using ledger::State;
using ledger::TransactionRecord;
using Status = QueuedAdvice::Status;

void StoreAndForward::completion_final(TransactionRecord& sale, const IssuerReply& reply,
                                       iso8583::Instant queued) {
    const auto& route = *c_.route(sale.route);
    switch (routing::classify_refund_advice(route, *reply.code, attempt_of(sale.advice))) {
        case routing::AdviceVerdict::approved:
            completion_taken(sale, reply);
            return;
        case routing::AdviceVerdict::abnormal:
            completion_refused(sale);
            return;
        case routing::AdviceVerdict::retry:
        case routing::AdviceVerdict::processing:  // of a refund alone: here it asks for a repeat
            repeat_or_park(sale, route, queued);
            return;
        case routing::AdviceVerdict::parked:
            park(sale, "advice_parked",
                 "the issuer answered the completion with " + reply.code->str() + ": its outcome is unknown");
            return;
    }
    ENSURE(false);
}

/// From here on what undoes or refunds the sale names the 0220.
void StoreAndForward::completion_taken(TransactionRecord& sale, const IssuerReply& reply) {
    sale.advice.status = Status::final;
    sale.completion_stan = sale.advice.stan;
    sale.completion_transmission_time = sale.advice.transmission_time;
    if (sale.issuer_authorization.empty() && reply.authorization)
        sale.issuer_authorization = *reply.authorization;
    c_.note(Severity::info, NoteKind::advice_final, sale, "R94", "completion approved by the issuer");
    if (sale.state == State::reversing)
        undoing_.completion_ended(sale, Undoing::Completion::taken);
    else
        note_rule(sale, "R94", c_.now.utc);
}

void StoreAndForward::completion_refused(TransactionRecord& sale) {
    sale.advice.status = Status::final;
    if (sale.state == State::reversing) {
        undoing_.completion_ended(sale, Undoing::Completion::refused);
        return;
    }
    move(sale, State::not_collected, "R94", c_.now.utc);
    c_.open_exception(
        sale.rrn, "not_collected", "R94",
        "the issuer refused with " + sale.advice.last_code +
            " to complete a sale that its terminal takes for approved; the merchant is not paid",
        ledger::Urgency::alarm);
}

/// Only what ends it: what asks for a repeat has its next attempt.
bool StoreAndForward::late_completion_reply(TransactionRecord& sale, const routing::Route& route,
                                            const IssuerReply& reply) {
    const QueuedAdvice& a = sale.advice;
    const auto verdict = routing::classify_refund_advice(route, *reply.code, attempt_of(a));
    const bool waits = a.status == Status::waiting || a.status == Status::parked;
    if (verdict == routing::AdviceVerdict::approved && (waits || sale.state == State::not_collected)) {
        settled(sale);
        sale.advice.last_code = reply.code->str();
        c_.end_exceptions(sale.rrn, "the issuer took the completion after all");
        if (sale.state == State::not_collected) move(sale, State::approved, "R51", c_.now.utc);
        completion_taken(sale, reply);
        return true;
    }
    if (verdict != routing::AdviceVerdict::abnormal || !waits) return false;
    settled(sale);
    sale.advice.last_code = reply.code->str();
    c_.end_exceptions(sale.rrn, "the issuer refused the completion");
    completion_refused(sale);
    return true;
}

}  // namespace acquirer
