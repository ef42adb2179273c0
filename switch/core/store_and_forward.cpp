#include "switch/core/store_and_forward.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/issuer_messages.hpp"
#include "switch/core/sale_chain.hpp"
#include "switch/core/transaction_state.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {
namespace {

using ledger::QueuedAdvice;
using ledger::State;
using ledger::TransactionRecord;
using Kind = QueuedAdvice::Kind;
using Status = QueuedAdvice::Status;

int message_class(const TransactionRecord& record) { return record.advice.kind == Kind::refund ? 2 : 4; }

/// Back-off doubles from the first to the longest, then ± a quarter by transaction and attempt.
std::int64_t back_off_ms(const routing::Route& route, const TransactionRecord& record) {
    std::int64_t wait = route.advice_retry_first_ms;
    for (std::uint32_t i = 1; i < record.advice.attempts && wait < route.advice_retry_max_ms; ++i) wait *= 2;
    wait = std::min<std::int64_t>(wait, route.advice_retry_max_ms);
    const std::int64_t quarter = wait / 4;
    return wait - quarter +
           (quarter == 0 ? 0 : jitter_hash(record.rrn, record.advice.attempts) % (2 * quarter + 1));
}

}  // namespace

void StoreAndForward::send_reversal(TransactionRecord& record, Original original) {
    QueuedAdvice a;
    a.kind = Kind::reversal;
    a.of_approved_original = original == Original::approved;
    give_numbers(record, std::move(a));
    resume(record);
}

void StoreAndForward::send_refund(TransactionRecord& record) {
    QueuedAdvice a;
    a.kind = Kind::refund;
    give_numbers(record, std::move(a));
    resume(record);
}

void StoreAndForward::give_numbers(TransactionRecord& record, QueuedAdvice a) {
    const auto numbers = c_.next_issuer_numbers(routing::RouteId{record.route});
    a.stan = numbers.stan.value();
    a.transmission_time = numbers.transmission_time.value();
    a.queued = a.next_attempt = c_.now.utc;
    record.advice = std::move(a);
}

void StoreAndForward::resume(const TransactionRecord& record) {
    ENSURE(record.advice.kind != Kind::none && record.advice.status != Status::final);
    const routing::RouteId route{record.route};
    queues_[route].waiting.emplace(record.advice.next_attempt, record.rrn);
    if (record.advice.kind == Kind::refund)
        chains_[*record.original].push_back(record.rrn);
    else if (record.original)
        ++reversals_[*record.original];
    pump(route);
}

void StoreAndForward::withdraw(TransactionRecord& record) {
    ENSURE(record.advice.attempts == 0);
    queues_[routing::RouteId{record.route}].waiting.erase({record.advice.next_attempt, record.rrn});
    record.advice.status = Status::final;
    leave(record);
}

/// Out of its chain; whoever waited behind it may go.
void StoreAndForward::leave(const TransactionRecord& record) {
    if (!record.original) return;
    if (record.advice.kind == Kind::reversal) {
        const auto at = reversals_.find(*record.original);
        if (at != reversals_.end() && --at->second == 0) reversals_.erase(at);
        return;
    }
    const auto chain = chains_.find(*record.original);
    if (chain == chains_.end()) return;
    std::erase(chain->second, record.rrn);
    if (chain->second.empty()) {
        chains_.erase(chain);
        return;
    }
    if (const auto* next = c_.ledger.find(chain->second.front());
        next != nullptr && next->advice.status == Status::waiting)
        queues_[routing::RouteId{next->route}].waiting.emplace(next->advice.next_attempt, next->rrn);
}

bool StoreAndForward::is_its_turn(const TransactionRecord& record) const {
    if (record.advice.kind != Kind::refund) return true;
    const auto chain = chains_.find(*record.original);
    return chain == chains_.end() || chain->second.front() == record.rrn;
}

void StoreAndForward::pump(routing::RouteId id) {
    Queue& queue = queues_[id];
    const auto* route = c_.config->routes.find(id);
    while (route != nullptr && !queue.waiting.empty() &&
           queue.in_flight.size() < route->advices_in_flight_max) {
        const auto [when, rrn] = *queue.waiting.begin();
        if (when > c_.now.utc) break;
        const auto link = c_.link_for(id);
        if (!link) return;  // link_up pumps again
        queue.waiting.erase(queue.waiting.begin());
        attempt(id, rrn, *link);
    }
    arm(id);
}

void StoreAndForward::arm(routing::RouteId id) {
    const DeadlineId deadline{DeadlineId::Kind::advice_attempt, {}, id.value};
    const Queue& queue = queues_[id];
    if (queue.waiting.empty() || queue.waiting.begin()->first <= c_.now.utc)
        c_.deadlines.cancel(deadline);
    else
        c_.set_deadline(deadline, queue.waiting.begin()->first.ms - c_.now.utc.ms);
}

void StoreAndForward::attempt(routing::RouteId id, const iso8583::Rrn& rrn, LinkId link) {
    const auto* waiting = c_.ledger.find(rrn);
    const auto* route = c_.config->routes.find(id);
    if (waiting == nullptr || route == nullptr || waiting->advice.status == Status::final ||
        waiting->advice.status == Status::parked)
        return;
    // Behind an earlier refund of its sale it leaves the queue; leave() of that one brings it back.
    if (!is_its_turn(*waiting)) return;

    const bool refund = waiting->advice.kind == Kind::refund;
    const bool reverses_its_sale = !refund && waiting->kind == ledger::TransactionKind::void_sale &&
                                   waiting->state == State::advice_pending;
    const TransactionRecord* sale = nullptr;
    if (refund || reverses_its_sale) {
        sale = c_.ledger.find(*waiting->original);
        if (sale == nullptr) return;
    }
    TransactionRecord* record = c_.ledger.edit(rrn);
    ++record->advice.attempts;
    record->advice.status = Status::in_flight;
    record->updated = c_.now.utc;

    const IssuerKey key{id, message_class(*record), record->advice.stan, record->advice.transmission_time};
    queues_[id].in_flight[rrn] = key;
    c_.in_flight.await(key, {Awaited::What::advice, rrn, link});
    c_.in_flight.await_until({DeadlineId::Kind::advice_reply, rrn, 0}, route->reply_timeout_ms);
    c_.emit(SendToIssuer{id, link,
                         refund ? make_refund_advice(c_, *route, *record, *sale)
                                : make_reversal(c_, *route, *record, reverses_its_sale ? *sale : *record)});
    c_.count(refund ? "advices.refund.sent" : "advices.reversal.sent");
    c_.note(Severity::info, refund ? NoteKind::advice_sent : NoteKind::reversal_sent, *record,
            refund ? "R54" : "R30", "attempt " + std::to_string(record->advice.attempts));
}

void StoreAndForward::wait_again(TransactionRecord& record, std::int64_t after_ms) {
    record.advice.status = Status::waiting;
    record.advice.next_attempt = c_.now.utc.plus_ms(after_ms);
    record.updated = c_.now.utc;
    queues_[routing::RouteId{record.route}].waiting.emplace(record.advice.next_attempt, record.rrn);
}

void StoreAndForward::link_up(routing::RouteId route) { pump(route); }

void StoreAndForward::link_down(routing::RouteId id, LinkId link) {
    std::vector<iso8583::Rrn> lost;
    for (const auto& [rrn, key] : queues_[id].in_flight) {
        const Awaited* awaited = c_.in_flight.find(key);
        if (awaited != nullptr && awaited->link == link) lost.push_back(rrn);
    }
    for (const iso8583::Rrn& rrn : lost) on_reply_deadline(rrn);
}

void StoreAndForward::on_reply_deadline(const iso8583::Rrn& rrn) {
    TransactionRecord* record = c_.ledger.edit(rrn);
    if (record == nullptr) return;
    const routing::RouteId id{record->route};
    Queue& queue = queues_[id];
    const auto at = queue.in_flight.find(rrn);
    if (at == queue.in_flight.end()) return;
    c_.in_flight.forget(at->second);
    queue.in_flight.erase(at);
    c_.deadlines.cancel({DeadlineId::Kind::advice_reply, rrn, 0});
    const auto* route = c_.config->routes.find(id);
    // On a route that a reload took away it waits for the reload that brings it back.
    if (record->advice.status == Status::in_flight)
        wait_again(*record, route != nullptr ? back_off_ms(*route, *record) : 0);
    pump(id);
}

void StoreAndForward::configuration_replaced() {
    for (const auto& [id, queue] : queues_) pump(id);
}

void StoreAndForward::on_attempt_deadline(routing::RouteId route) { pump(route); }

/// A reversal's answer may name what was asked for or what was approved (R26), also that of a void's sale.
bool StoreAndForward::names_another_amount(const TransactionRecord& record, const IssuerReply& reply) const {
    if (!reply.amount_minor || record.names_amount(*reply.amount_minor)) return false;
    // R26a: a part of it is what its code says: not to be asked again, a person looks.
    const auto* route = c_.route(record.route);
    if (route != nullptr && reply.code && route->codes.partly_approved.contains(*reply.code)) return false;
    const TransactionRecord* sale =
        record.advice.kind == Kind::reversal && record.original ? c_.ledger.find(*record.original) : nullptr;
    return sale == nullptr || record.kind != ledger::TransactionKind::void_sale ||
           !sale->names_amount(*reply.amount_minor);
}

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
                              "the issuer's answer to the advice names another amount", true);
        on_reply_deadline(awaited.rrn);
        return;
    }
    Queue& queue = queues_[event.route];
    if (const auto at = queue.in_flight.find(awaited.rrn); at != queue.in_flight.end()) {
        c_.in_flight.forget(at->second);
        queue.in_flight.erase(at);
    }
    c_.deadlines.cancel({DeadlineId::Kind::advice_reply, awaited.rrn, 0});
    record->advice.last_code = event.reply.code->str();
    if (record->advice.kind == Kind::refund)
        refund_final(*record, event.reply);
    else
        reversal_final(*record, event.reply);
    pump(event.route);
}

bool StoreAndForward::on_late_reply(TransactionRecord& record, const IssuerReplyArrived& event) {
    const auto* route = c_.config->routes.find(event.route);
    const QueuedAdvice& a = record.advice;
    const bool of_this_advice = event.reply.stan.value() == a.stan &&
                                event.reply.transmission_time.value() == a.transmission_time &&
                                event.reply.mti.message_class() == (a.kind == Kind::refund ? 2 : 4);
    if (route == nullptr || a.status != Status::waiting || a.attempts == 0 || !of_this_advice) return false;
    const bool amount_differs = names_another_amount(record, event.reply);
    if (event.mac != MacState::verified || !event.reply.code || amount_differs) return false;
    // Only what ends it: what asks for a repeat, and a "not found" that a quarantine waits for already, have
    // their next attempt.
    if (a.kind == Kind::refund) {
        const auto verdict = routing::classify_refund_advice(*route, *event.reply.code, a.attempts > 1);
        if (verdict != routing::AdviceVerdict::approved && verdict != routing::AdviceVerdict::abnormal)
            return false;
    } else {
        const auto verdict = routing::classify_reversal(*route, *event.reply.code, a.of_approved_original);
        if (verdict != routing::ReversalVerdict::done && verdict != routing::ReversalVerdict::stuck)
            return false;
    }
    queues_[event.route].waiting.erase({a.next_attempt, record.rrn});
    c_.count("late_advice_replies");
    record.advice.last_code = event.reply.code->str();
    if (record.advice.kind == Kind::refund)
        refund_final(record, event.reply);
    else
        reversal_final(record, event.reply);
    pump(event.route);
    return true;
}

void StoreAndForward::refund_final(TransactionRecord& record, const IssuerReply& reply) {
    const auto& route = *c_.route(record.route);
    switch (routing::classify_refund_advice(route, *reply.code, record.advice.attempts > 1)) {
        case routing::AdviceVerdict::approved:
            record.advice.status = Status::final;
            if (reply.authorization) record.issuer_authorization = *reply.authorization;
            move(record, State::approved, "R54", c_.now.utc);
            chain_.refund_approved(record);
            leave(record);
            c_.note(Severity::info, NoteKind::advice_final, record, "R54", "refund approved by the issuer");
            return;
        case routing::AdviceVerdict::abnormal:
            record.advice.status = Status::final;
            move(record, State::abnormal, "R55", c_.now.utc);
            chain_.refund_abnormal(record);
            leave(record);
            c_.open_exception(record.rrn, "refund_abnormal", "R55",
                              "the issuer refused an accepted refund with " + reply.code->str() +
                                  "; the customer still waits for the money");
            return;
        case routing::AdviceVerdict::retry:
            wait_again(record, back_off_ms(route, record));
            return;
        case routing::AdviceVerdict::parked:
            park(record, "the issuer answered the refund advice with " + reply.code->str() +
                             ": its outcome is unknown");
            return;
    }
    ENSURE(false);
}

void StoreAndForward::reversal_final(TransactionRecord& record, const IssuerReply& reply) {
    const auto& route = *c_.route(record.route);
    QueuedAdvice& a = record.advice;
    switch (routing::classify_reversal(route, *reply.code, a.of_approved_original)) {
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
                wait_again(record, route.not_found_quarantine_ms);
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
            wait_again(record, back_off_ms(route, record));
            return;
        case routing::ReversalVerdict::parked:
            park(record,
                 "the issuer answered the reversal with " + reply.code->str() + ": its outcome is unknown");
            return;
    }
    ENSURE(false);
}

void StoreAndForward::park(TransactionRecord& record, std::string_view why) {
    record.advice.status = Status::parked;
    // A reversal stays "reversing" while parked: the sale or refund must not look settled to anyone.
    if (record.state == State::advice_pending)
        move(record, State::parked, "R60", c_.now.utc);
    else
        note_rule(record, "R60", c_.now.utc);
    leave(record);
    c_.open_exception(record.rrn, "advice_parked", "R60", std::string(why), true);
}

bool StoreAndForward::retry_now(const iso8583::Rrn& rrn) {
    TransactionRecord* record = c_.ledger.edit(rrn);
    if (record == nullptr || record->advice.kind == Kind::none || record->advice.status != Status::waiting)
        return false;
    const routing::RouteId id{record->route};
    Queue& queue = queues_[id];
    // A quarantine is not shortened by impatience (R51a).
    if (record->advice.not_found_once || queue.waiting.erase({record->advice.next_attempt, rrn}) == 0)
        return false;
    record->advice.next_attempt = c_.now.utc;
    queue.waiting.emplace(record->advice.next_attempt, rrn);
    pump(id);
    return true;
}

std::uint32_t StoreAndForward::queued(routing::RouteId route) const {
    const auto at = queues_.find(route);
    return at == queues_.end()
               ? 0
               : static_cast<std::uint32_t>(at->second.waiting.size() + at->second.in_flight.size());
}

}  // namespace acquirer
