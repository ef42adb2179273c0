// The part of StoreAndForward that says which amount an answer may name, and takes answers that nobody waits
// for any more: to an attempt before the last, to what is parked, refused, or was settled by people
// meanwhile. Rulings 3, 5 and 6 of the contract; R51, R54, R55, R74.
#include <algorithm>

#include "switch/core/sale_chain.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

using ledger::EarlierAttempt;
using ledger::QueuedAdvice;
using ledger::State;
using ledger::TransactionRecord;
using Kind = QueuedAdvice::Kind;
using Status = QueuedAdvice::Status;

/// A reversal's answer may name what was asked for, what was approved (R26) or what stands (R39), also that
/// of a void's sale.
bool StoreAndForward::names_another_amount(const TransactionRecord& record, const IssuerReply& reply) const {
    const auto names = [&reply](const TransactionRecord& r) {
        return r.names_amount(*reply.amount_minor) || r.amount.minor_units() == *reply.amount_minor;
    };
    if (!reply.amount_minor || names(record)) return false;
    // R26a: a part of it is what its code says: not to be asked again, a person looks.
    const auto* route = c_.route(record.route);
    if (route != nullptr && reply.code && route->codes.partly_approved.contains(*reply.code)) return false;
    const TransactionRecord* sale =
        record.advice.kind == Kind::reversal && record.original ? c_.ledger.find(*record.original) : nullptr;
    return sale == nullptr || record.kind != ledger::TransactionKind::void_sale || !names(*sale);
}

bool StoreAndForward::on_late_reply(TransactionRecord& record, const IssuerReplyArrived& event) {
    const auto* route = c_.config->routes.find(event.route);
    const QueuedAdvice& a = record.advice;
    const IssuerReply& reply = event.reply;
    if (route == nullptr || a.kind == Kind::none || event.mac != MacState::verified || !reply.code)
        return false;
    const EarlierAttempt numbers{reply.stan.value(), reply.transmission_time.value()};
    const bool of_the_last = numbers == EarlierAttempt{a.stan, a.transmission_time};
    const auto& earlier = record.earlier_attempts;
    const bool of_an_earlier =
        !of_the_last && std::find(earlier.begin(), earlier.end(), numbers) != earlier.end();
    if (of_an_earlier && a.kind == Kind::reversal && repeats_what_was_said(record, *route, reply))
        return true;
    if (reply.mti.message_class() != class_of(a)) return false;
    if (names_another_amount(record, reply)) return false;
    if (of_the_last ? a.attempts == 0 : !of_an_earlier || a.kind == Kind::reversal) return false;
    const bool ended = a.kind == Kind::refund       ? late_refund_reply(record, *route, reply)
                       : a.kind == Kind::completion ? late_completion_reply(record, *route, reply)
                                                    : late_reversal_reply(record, reply);
    if (!ended) return false;
    c_.count("late_advice_replies");
    pump(event.route);
    return true;
}

/// What an issuer says once more of what left before this reversal says nothing of it: of the first 0420 of
/// R51a that it does not know the original, of a void before this one that it did not take it, of a
/// completion that it has it.
bool StoreAndForward::repeats_what_was_said(const TransactionRecord& record, const routing::Route& route,
                                            const IssuerReply& reply) {
    const bool of_a_reversal = reply.mti.message_class() == class_of(record.advice);
    const auto verdict = routing::classify_reversal(route, *reply.code, routing::ReversedOriginal::in_doubt);
    const bool says_so_again =
        !of_a_reversal ? routing::says_approved(routing::classify_request(route, *reply.code))
        : record.kind == ledger::TransactionKind::void_sale ? verdict != routing::ReversalVerdict::done
                                                            : verdict == routing::ReversalVerdict::not_found;
    if (!says_so_again) return false;
    answered_again(record);
    return true;
}

void StoreAndForward::answered_again(const TransactionRecord& record) {
    c_.count("repeated_replies");
    c_.note(Severity::info, NoteKind::late_reply, record, "R63", "the issuer answered again");
}

/// Only what ends it: what asks for a repeat has its next attempt. After a way out was taken: ruling 5 of the
/// contract.
bool StoreAndForward::late_refund_reply(TransactionRecord& record, const routing::Route& route,
                                        const IssuerReply& reply) {
    const QueuedAdvice& a = record.advice;
    const bool of_the_last =
        reply.stan.value() == a.stan && reply.transmission_time.value() == a.transmission_time;
    const auto verdict = routing::classify_refund_advice(route, *reply.code, attempt_of(a));
    if (verdict == routing::AdviceVerdict::approved) {
        switch (record.state) {
            case State::advice_pending:
            case State::processing:
            case State::parked:
            case State::abnormal:
                paid_after_all(record, reply);
                return true;
            case State::approved:
                // Of what people had settled as done it is the payment that they spoke of, whichever
                // attempt's.
                if (record.decided.by_people) {
                    take_attempt(record, reply);
                    record.decided.by_people = false;  // the issuer's word now
                    note_rule(record, "R51", c_.now.utc);
                    return true;
                }
                if (of_the_last) return false;
                paid_twice(record);
                return true;
            case State::cancelled:
            case State::merchant_account:
            case State::alternative_account:
                paid_twice(record);
                return true;
            default:
                return false;
        }
    }
    if (!of_the_last) {
        // It has new numbers because it was refused under these, or paid though these came later.
        answered_again(record);
        return true;
    }
    if (verdict != routing::AdviceVerdict::abnormal) return false;
    const bool waits = (record.state == State::advice_pending || record.state == State::processing) &&
                       a.status == Status::waiting;
    const bool settled_as_done = record.state == State::approved && record.decided.by_people;
    if (!waits && !settled_as_done && record.state != State::parked) return false;
    settled(record);
    record.advice.last_code = reply.code->str();
    refused_finally(record, settled_as_done ? "settled_but_refused" : "refund_abnormal");
    return true;
}

/// R74: the attempt that this answers is the one that was paid.
void StoreAndForward::take_attempt(TransactionRecord& record, const IssuerReply& reply) {
    QueuedAdvice& a = record.advice;
    const EarlierAttempt numbers{reply.stan.value(), reply.transmission_time.value()};
    const EarlierAttempt last{a.stan, a.transmission_time};
    if (numbers != last) {
        // An older attempt was it. A newer one that left may be paid too; one that never left is forgotten.
        std::erase(record.earlier_attempts, numbers);
        if (a.attempts > 0) record.earlier_attempts.push_back(last);
        a.stan = numbers.stan;
        a.transmission_time = numbers.transmission_time;
        a.attempts = std::max<std::uint32_t>(a.attempts, 1);
    }
    a.last_code = reply.code->str();
    if (reply.authorization) record.issuer_authorization = *reply.authorization;
}

/// R51: the issuer paid what still waited, or what was taken for refused.
void StoreAndForward::paid_after_all(TransactionRecord& record, const IssuerReply& reply) {
    settled(record);
    take_attempt(record, reply);
    move(record, State::approved,
         record.state == State::advice_pending ? "R54"
         : record.state == State::processing   ? "R80"
                                               : "R51",
         c_.now.utc);
    chain_.refund_approved(record);
    c_.end_exceptions(record.rrn, "the issuer approved it after all");
    c_.note(Severity::info, NoteKind::advice_final, record, "R51", "refund approved by the issuer, late");
}

/// The customer has been paid another way already, or by another attempt.
void StoreAndForward::paid_twice(TransactionRecord& record) {
    if (record.decided.paid_twice) return;
    chain_.paid_twice(record);
    note_rule(record, "R51", c_.now.utc);
    c_.open_exception(record.rrn, "paid_twice", "R74",
                      record.state == State::approved ? "the issuer approved two attempts of one refund"
                                                      : "the issuer approved a refund after it had been " +
                                                            std::string(ledger::name(record.state)),
                      ledger::Urgency::alarm);
}

bool StoreAndForward::late_reversal_reply(TransactionRecord& record, const IssuerReply& reply) {
    const QueuedAdvice& a = record.advice;
    const auto verdict = verdict_of(record, *reply.code);
    const bool waits = a.status == Status::waiting || a.status == Status::parked;
    if (verdict == routing::ReversalVerdict::done && (waits || record.state == State::reversal_stuck)) {
        settled(record);
        record.advice.last_code = reply.code->str();
        c_.end_exceptions(record.rrn, "the issuer confirmed the reversal after all");
        undoing_.on_reversed(record, "R30");
        return true;
    }
    const auto& partials = record.lowering.reversals;
    const bool was_refused_part = !partials.empty() &&
                                  partials.back().status == ledger::PartialReversal::Status::refused &&
                                  EarlierAttempt{partials.back().stan, partials.back().transmission_time} ==
                                      EarlierAttempt{a.stan, a.transmission_time};
    if (verdict == routing::ReversalVerdict::done && was_refused_part) {  // R39
        record.advice.last_code = reply.code->str();
        undoing_.on_partial_done_late(record);
        return true;
    }
    // A void that went as the 0420 of its sale and was refused, or settled so by people: the sale stands
    // here.
    const bool void_came_to_nothing = record.kind == ledger::TransactionKind::void_sale &&
                                      record.state == State::reversed && record.issuer_stan == 0;
    if (verdict == routing::ReversalVerdict::done && void_came_to_nothing) {
        c_.open_exception(record.rrn, "late_approval", "R51",
                          "the issuer confirmed the void after it had come to nothing: the sale stands here");
        return true;
    }
    if (verdict == routing::ReversalVerdict::stuck && waits) {
        settled(record);
        record.advice.last_code = reply.code->str();
        c_.end_exceptions(record.rrn, "the issuer refused the reversal");
        undoing_.on_reversal_stuck(record, "R30");
        return true;
    }
    return false;
}

}  // namespace acquirer
