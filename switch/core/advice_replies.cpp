// The part of StoreAndForward that takes the answer which an advice waits for: what a refund's and a
// reversal's codes mean, and which answers cannot be trusted and are none. A completion's are
// completion_advices.cpp, those that nobody waits for any more late_advice_replies.cpp. R30, R51a, R54, R57a,
// R60, R80.
#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/sale_chain.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

using ledger::QueuedAdvice;
using ledger::State;
using ledger::TransactionRecord;
using Kind = QueuedAdvice::Kind;
using Status = QueuedAdvice::Status;

void StoreAndForward::on_reply(const Awaited& awaited, const IssuerReplyArrived& event) {
    TransactionRecord* record = c_.ledger.edit(awaited.rrn);
    const auto* route = c_.config->routes.find(event.route);
    if (record == nullptr || route == nullptr) return;
    const bool amount_differs = names_another_amount(*record, event.reply);
    if (event.mac != MacState::verified || !event.reply.code || amount_differs) {
        // R57a: an answer that cannot be trusted is no answer; the advice stays pending and is repeated.
        if (event.mac == MacState::wrong || event.mac == MacState::missing)
            c_.note(Severity::alarm, NoteKind::bad_issuer_mac, *record, "R57a",
                    "the answer to an advice has a wrong MAC");
        else if (amount_differs)
            c_.open_exception(record->rrn, "advice_amount_differs", "R57a",
                              "the issuer's answer to the advice names another amount",
                              ledger::Urgency::alarm);
        on_reply_deadline(awaited.rrn);
        return;
    }
    Queue& queue = queues_[event.route];
    iso8583::Instant queued = c_.now.instant;
    if (const auto at = queue.in_flight.find(awaited.rrn); at != queue.in_flight.end()) {
        queued = at->second.queued;
        c_.in_flight.forget(at->second.key);
        queue.in_flight.erase(at);
    }
    c_.deadlines.cancel({DeadlineId::Kind::advice_reply, awaited.rrn, 0});
    record->advice.last_code = event.reply.code->str();
    if (record->advice.kind == Kind::refund)
        refund_final(*record, event.reply, queued);
    else if (record->advice.kind == Kind::completion)
        completion_final(*record, event.reply, queued);
    else
        reversal_final(*record, event.reply, queued);
    pump(event.route);
}

void StoreAndForward::refund_final(TransactionRecord& record, const IssuerReply& reply,
                                   iso8583::Instant queued) {
    const auto& route = *c_.route(record.route);
    switch (routing::classify_refund_advice(route, *reply.code, attempt_of(record.advice))) {
        case routing::AdviceVerdict::approved:
            record.advice.status = Status::final;
            if (reply.authorization) record.issuer_authorization = *reply.authorization;
            leave(record);
            move(record, State::approved, record.state == State::processing ? "R80" : "R54", c_.now.utc);
            chain_.refund_approved(record);
            c_.note(Severity::info, NoteKind::advice_final, record, "R54", "refund approved by the issuer");
            return;
        case routing::AdviceVerdict::abnormal:
            record.advice.status = Status::final;
            leave(record);
            refused_finally(record, "refund_abnormal");
            return;
        case routing::AdviceVerdict::retry:
            repeat_or_park(record, route, queued);
            return;
        case routing::AdviceVerdict::processing:
            processing(record, route, queued);
            return;
        case routing::AdviceVerdict::parked:
            park(record, "advice_parked",
                 "the issuer answered the refund advice with " + reply.code->str() +
                     ": its outcome is unknown");
            return;
    }
    ENSURE(false);
}

void StoreAndForward::refused_finally(TransactionRecord& record, std::string kind) {
    move(record, State::abnormal, "R55", c_.now.utc);
    record.decided.by_people = false;
    chain_.refund_abnormal(record);
    c_.end_exceptions(record.rrn, "the issuer refused it");
    c_.open_exception(record.rrn, std::move(kind), "R55",
                      "the issuer refused an accepted refund with " + record.advice.last_code +
                          "; the customer still waits for the money");
}

routing::ReversalVerdict StoreAndForward::verdict_of(const TransactionRecord& reversed,
                                                     iso8583::ResponseCode code) const {
    if (is_blind(reversed) || reversed.state == State::lapsed) {
        // Whatever the route's lists say: the issuer undid something, or has nothing to undo.
        constexpr std::string_view ends[] = {"00", "12", "25", "40", "76", "79", "94"};
        if (std::find(std::begin(ends), std::end(ends), code.view()) != std::end(ends))
            return routing::ReversalVerdict::done;
        return c_.route(reversed.route)->codes.retry.contains(code) ? routing::ReversalVerdict::retry
                                                                    : routing::ReversalVerdict::parked;
    }
    return routing::classify_reversal(*c_.route(reversed.route), code,
                                      reversed.advice.of_approved_original
                                          ? routing::ReversedOriginal::approved
                                          : routing::ReversedOriginal::in_doubt);
}

void StoreAndForward::reversal_final(TransactionRecord& record, const IssuerReply& reply,
                                     iso8583::Instant queued) {
    const auto& route = *c_.route(record.route);
    QueuedAdvice& a = record.advice;
    switch (verdict_of(record, *reply.code)) {
        case routing::ReversalVerdict::done:
            a.status = Status::final;
            leave(record);
            undoing_.on_reversed(record, "R30");
            return;
        case routing::ReversalVerdict::not_found:
            if (!a.not_found_once) {
                // R51a: the original may still be on its way; nothing is released before a quarantine has
                // passed.
                a.not_found_once = true;
                note_rule(record, "R51a", c_.now.utc);
                wait_again(record, route.not_found_quarantine_ms, queued);
                return;
            }
            a.status = Status::final;
            leave(record);
            undoing_.on_reversed(record, "R51a");
            return;
        case routing::ReversalVerdict::stuck:
            a.status = Status::final;
            leave(record);
            undoing_.on_reversal_stuck(record, "R30");
            return;
        case routing::ReversalVerdict::retry:
            repeat_or_park(record, route, queued);
            return;
        case routing::ReversalVerdict::parked:
            park(record, "advice_parked",
                 "the issuer answered the reversal with " + reply.code->str() + ": its outcome is unknown");
            return;
    }
    ENSURE(false);
}

}  // namespace acquirer
