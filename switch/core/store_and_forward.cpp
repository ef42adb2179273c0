#include "switch/core/store_and_forward.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/issuer_messages.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {
namespace {

using ledger::QueuedAdvice;
using ledger::State;
using ledger::TransactionRecord;
using Kind = QueuedAdvice::Kind;
using Status = QueuedAdvice::Status;

/// The longest back-off with its jitter.
std::int64_t back_off_longest_ms(const routing::Route& route) {
    return std::int64_t{route.advice_retry_max_ms} + route.advice_retry_max_ms / 4;
}

/// Back-off doubles from the first to the longest, then ± a quarter by transaction and attempt.
std::int64_t back_off_ms(const routing::Route& route, const TransactionRecord& record) {
    std::int64_t wait = route.advice_retry_first_ms;
    for (std::uint32_t i = 1; i < record.advice.attempts && wait < route.advice_retry_max_ms; ++i) wait *= 2;
    wait = std::min<std::int64_t>(wait, route.advice_retry_max_ms);
    const std::int64_t quarter = wait / 4;
    return wait - quarter +
           (quarter == 0 ? 0 : jitter_hash(record.rrn, record.advice.attempts) % (2 * quarter + 1));
}

constexpr std::int64_t second_ms = 1'000;

/// The longest that anything of a route waits for its next attempt.
std::int64_t longest_wait_ms(const routing::Route& route) {
    return std::max({back_off_longest_ms(route), std::int64_t{route.not_found_quarantine_ms},
                     route.wallet.poll_seconds * second_ms});
}

/// Parked, or with a wallet that works at it: later refunds of its sale pass it (R60, R80).
bool lets_others_pass(const TransactionRecord& record) {
    return record.advice.kind == Kind::refund &&
           (record.advice.status == Status::parked || record.state == State::processing);
}

/// A void that goes as the 0420 of its sale (R3).
bool undoes_its_sale(const TransactionRecord& record) {
    return record.kind == ledger::TransactionKind::void_sale && record.state == State::advice_pending;
}

}  // namespace

void StoreAndForward::send_reversal(TransactionRecord& record, Original original) {
    QueuedAdvice a;
    a.kind = Kind::reversal;
    a.of_approved_original = original == Original::approved;
    if (record.advice.kind == Kind::completion && record.advice.attempts > 0) keep_numbers(record);
    give_numbers(record, std::move(a));
    resume(record);
}

void StoreAndForward::send_refund(TransactionRecord& record) {
    QueuedAdvice a;
    a.kind = Kind::refund;
    give_numbers(record, std::move(a));
    resume(record);
}

void StoreAndForward::send_completion(TransactionRecord& sale) {
    QueuedAdvice a;
    a.kind = Kind::completion;
    give_numbers(sale, std::move(a));
    resume(sale);
}

void StoreAndForward::give_numbers(TransactionRecord& record, QueuedAdvice a) {
    const auto numbers = c_.next_issuer_numbers(routing::RouteId{record.route});
    a.stan = numbers.stan.value();
    a.transmission_time = numbers.transmission_time.value();
    a.queued = a.next_attempt = c_.now.utc;
    record.advice = std::move(a);
    fix_issuer_terms(c_, record);
}

void StoreAndForward::put(Queue& queue, const iso8583::Rrn& rrn, Waiting waiting) {
    queue.order.emplace(waiting.due, rrn);
    queue.waiting[rrn] = waiting;
}

std::optional<iso8583::Instant> StoreAndForward::take(Queue& queue, const iso8583::Rrn& rrn) {
    if (const auto behind = queue.behind.find(rrn); behind != queue.behind.end()) {
        const iso8583::Instant queued = behind->second;
        queue.behind.erase(behind);
        return queued;
    }
    const auto at = queue.waiting.find(rrn);
    if (at == queue.waiting.end()) return std::nullopt;
    const iso8583::Instant queued = at->second.queued;
    queue.order.erase({at->second.due, rrn});
    queue.waiting.erase(at);
    return queued;
}

void StoreAndForward::remember_chain(const TransactionRecord& record) {
    if (record.advice.kind == Kind::refund)
        chains_[*record.original].push_back(record.rrn);
    else if (record.advice.kind == Kind::reversal && record.original)
        ++reversals_[*record.original];
}

/// Stored times are the wall clock's: they say how long it has waited and has to wait, and no more than that.
void StoreAndForward::resume(const TransactionRecord& record) {
    ENSURE(record.advice.kind != Kind::none && record.advice.status != Status::final);
    const QueuedAdvice& a = record.advice;
    const routing::RouteId id{record.route};
    if (!lets_others_pass(record)) remember_chain(record);
    if (a.status == Status::parked) return;  // its own way out ends it (R70, R71)
    const auto* route = c_.config->routes.find(id);
    const std::int64_t longest = route == nullptr ? 0 : longest_wait_ms(*route);
    const std::int64_t wait = std::clamp<std::int64_t>(a.next_attempt.ms - c_.now.utc.ms, 0, longest);
    const std::int64_t age = std::max<std::int64_t>(c_.now.utc.ms - a.queued.ms, 0);
    put(queues_[id], record.rrn, {c_.now.instant.plus_ms(wait), c_.now.instant.plus_ms(-age)});
    pump(id);
}

void StoreAndForward::hold_back(TransactionRecord& record) {
    if (record.advice.kind == Kind::none || record.advice.attempts != 0) return;
    take(queues_[routing::RouteId{record.route}], record.rrn);
    park(record, "advice_stale",
         "it was with its issuer when the backup was made, and what became of it is not known here");
}

void StoreAndForward::withdraw(TransactionRecord& record) {
    ENSURE(record.advice.attempts == 0);
    settled(record);
}

void StoreAndForward::settled(TransactionRecord& record) {
    if (record.advice.status == Status::final) return;
    Queue& queue = queues_[routing::RouteId{record.route}];
    take(queue, record.rrn);
    if (const auto at = queue.in_flight.find(record.rrn); at != queue.in_flight.end()) {
        c_.in_flight.forget(at->second.key);
        queue.in_flight.erase(at);
        c_.deadlines.cancel({DeadlineId::Kind::advice_reply, record.rrn, 0});
    }
    const bool left_already = lets_others_pass(record);
    record.advice.status = Status::final;
    if (!left_already) leave(record);
}

/// Out of its chain; whoever waited behind it may go.
void StoreAndForward::leave(const TransactionRecord& record) {
    if (!record.original || record.advice.kind == Kind::completion) return;
    if (record.advice.kind == Kind::reversal) {
        const auto at = reversals_.find(*record.original);
        if (at != reversals_.end() && --at->second == 0) {
            reversals_.erase(at);
            freed_ = true;
        }
        return;
    }
    const auto chain = chains_.find(*record.original);
    if (chain == chains_.end()) return;
    std::erase(chain->second, record.rrn);
    if (chain->second.empty()) {
        chains_.erase(chain);
        return;
    }
    const auto* next = c_.ledger.find(chain->second.front());
    if (next == nullptr) return;
    Queue& queue = queues_[routing::RouteId{next->route}];
    const auto behind = queue.behind.find(next->rrn);
    if (behind == queue.behind.end()) return;
    const iso8583::Instant queued = behind->second;
    queue.behind.erase(behind);
    put(queue, next->rrn, {c_.now.instant, queued});
}

bool StoreAndForward::is_its_turn(const TransactionRecord& record) const {
    if (record.advice.kind != Kind::refund || lets_others_pass(record)) return true;
    const auto chain = chains_.find(*record.original);
    return chain == chains_.end() || chain->second.front() == record.rrn;
}

std::optional<LinkId> StoreAndForward::link_for_advice(routing::RouteId id, const iso8583::Rrn& rrn) const {
    const auto* record = c_.ledger.find(rrn);
    if (record == nullptr || record->advice.kind != Kind::reversal) return c_.link_for(id);
    return c_.link_for_reversal(id, undoes_its_sale(*record) ? *record->original : rrn);
}

void StoreAndForward::pump(routing::RouteId id) {
    Queue& queue = queues_[id];
    const auto* route = c_.config->routes.find(id);
    while (route != nullptr && !queue.order.empty() &&
           queue.in_flight.size() < route->advices_in_flight_max) {
        const auto [due, rrn] = *queue.order.begin();
        if (due > c_.now.instant) break;
        const auto link = link_for_advice(id, rrn);
        if (!link) return;  // link_up pumps again
        const Waiting was = queue.waiting.at(rrn);
        take(queue, rrn);
        attempt(id, rrn, *link, was);
    }
    arm(id);
}

void StoreAndForward::arm(routing::RouteId id) {
    const DeadlineId deadline{DeadlineId::Kind::advice_attempt, {}, id.value};
    const Queue& queue = queues_[id];
    if (queue.order.empty() || queue.order.begin()->first <= c_.now.instant)
        c_.deadlines.cancel(deadline);
    else
        c_.deadlines.set(deadline, queue.order.begin()->first);
}

bool StoreAndForward::is_stale(const routing::Route& route, iso8583::Instant queued) const {
    return c_.now.instant.ms - queued.ms > std::int64_t{route.stale_after_minutes} * 60'000;
}

void StoreAndForward::attempt(routing::RouteId id, const iso8583::Rrn& rrn, LinkId link, const Waiting& was) {
    const iso8583::Instant queued = was.queued;
    const auto* waiting = c_.ledger.find(rrn);
    const auto* route = c_.config->routes.find(id);
    if (waiting == nullptr || route == nullptr || waiting->advice.status == Status::final ||
        waiting->advice.status == Status::parked)
        return;
    // Behind an earlier refund of its sale it waits for the leave() of that one.
    if (!is_its_turn(*waiting)) {
        queues_[id].behind[rrn] = queued;
        return;
    }
    const bool polled = waiting->state == State::processing;
    if (const std::int64_t wait = was.kept_distance ? 0 : spacing_left_ms(*waiting, *route); wait > 0) {
        put(queues_[id], rrn, {c_.now.instant.plus_ms(wait), queued, true});
        return;
    }
    if (!polled && is_stale(*route, queued)) {
        park(*c_.ledger.edit(rrn), "advice_stale",
             "it has waited too long to be sent without a person's word");
        return;
    }

    const bool refund = waiting->advice.kind == Kind::refund;
    const bool reverses_its_sale = !refund && undoes_its_sale(*waiting);
    const TransactionRecord* sale = nullptr;
    const bool completes = waiting->advice.kind == Kind::completion;
    const bool names_original = refund || reverses_its_sale || (completes && waiting->original);
    if (names_original) {
        sale = c_.ledger.find(*waiting->original);
        if (sale == nullptr) return;
    }
    TransactionRecord* record = c_.ledger.edit(rrn);
    if (polled)
        ++record->advice.polls;
    else if (++record->advice.attempts == 1 && refund && route->kind == routing::RouteKind::wallet)
        record->advice.first_attempt = c_.now.utc;
    record->advice.status = Status::in_flight;
    record->updated = c_.now.utc;

    const IssuerKey key{id, class_of(record->advice), record->advice.stan, record->advice.transmission_time};
    queues_[id].in_flight[rrn] = {key, queued};
    c_.in_flight.await(key, {Awaited::What::advice, rrn, link});
    c_.in_flight.await_until({DeadlineId::Kind::advice_reply, rrn, 0}, route->reply_timeout_ms);
    if (refund || completes) c_.links.sent_on(rrn, link);
    c_.emit(SendToIssuer{id, link,
                         refund      ? make_refund_advice(c_, *record, *sale)
                         : completes ? make_completion_advice(c_, *record, sale != nullptr ? *sale : *record)
                                     : make_reversal(c_, *record, reverses_its_sale ? *sale : *record)});
    c_.count(refund      ? "advices.refund.sent"
             : completes ? "advices.completion.sent"
                         : "advices.reversal.sent");
    c_.note(Severity::info, refund || completes ? NoteKind::advice_sent : NoteKind::reversal_sent, *record,
            polled      ? "R80"
            : refund    ? "R54"
            : completes ? "R94"
                        : "R30",
            (polled ? "poll " + std::to_string(record->advice.polls)
                    : "attempt " + std::to_string(record->advice.attempts)));
}

void StoreAndForward::wait_again(TransactionRecord& record, std::int64_t after_ms, iso8583::Instant queued) {
    record.advice.status = Status::waiting;
    record.advice.next_attempt = c_.now.utc.plus_ms(after_ms);
    record.updated = c_.now.utc;
    put(queues_[routing::RouteId{record.route}], record.rrn, {c_.now.instant.plus_ms(after_ms), queued});
}

/// R60: a queue that is exhausted stands before a person; each retry of theirs gives it as many attempts
/// again.
void StoreAndForward::repeat_or_park(TransactionRecord& record, const routing::Route& route,
                                     iso8583::Instant queued) {
    if (record.state == State::processing) {
        poll_again(record, route, queued);
        return;
    }
    if (record.advice.attempts % route.advice_attempts_max == 0)
        park(record, "advice_parked",
             std::to_string(record.advice.attempts) + " attempts brought no final answer" +
                 (record.advice.last_code.empty() ? "" : ", the last one " + record.advice.last_code));
    else
        wait_again(record, back_off_ms(route, record), queued);
}

void StoreAndForward::link_up(routing::RouteId route) { pump(route); }

void StoreAndForward::link_down(routing::RouteId id, LinkId link) {
    std::vector<iso8583::Rrn> lost;
    for (const auto& [rrn, sent] : queues_[id].in_flight) {
        const Awaited* awaited = c_.in_flight.find(sent.key);
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
    const InFlightAdvice sent = at->second;
    c_.in_flight.forget(sent.key);
    queue.in_flight.erase(at);
    c_.deadlines.cancel({DeadlineId::Kind::advice_reply, rrn, 0});
    const auto* route = c_.config->routes.find(id);
    if (record->advice.status == Status::in_flight) {
        if (route != nullptr)
            repeat_or_park(*record, *route, sent.queued);
        else
            wait_again(*record, 0, sent.queued);  // for the reload that brings its route back
    }
    pump(id);
}

void StoreAndForward::configuration_replaced() {
    for (const auto& [id, queue] : queues_) pump(id);
}

void StoreAndForward::on_attempt_deadline(routing::RouteId route) { pump(route); }

/// A parked refund lets later ones of its chain pass; a parked reversal is an unfinished one still.
void StoreAndForward::park(TransactionRecord& record, std::string kind, std::string why) {
    const bool left_already = lets_others_pass(record);
    record.advice.status = Status::parked;
    // A reversal stays "reversing" while parked: the sale or refund must not look settled to anyone.
    if (record.state == State::advice_pending || record.state == State::processing)
        move(record, State::parked, record.state == State::processing ? "R80" : "R60", c_.now.utc);
    else
        note_rule(record, "R60", c_.now.utc);
    if (record.advice.kind == Kind::refund && !left_already) leave(record);
    c_.open_exception(record.rrn, std::move(kind), "R60", std::move(why), ledger::Urgency::alarm);
}

bool StoreAndForward::retry_now(TransactionRecord& record) {
    QueuedAdvice& a = record.advice;
    if (a.kind == Kind::none) return false;
    const routing::RouteId id{record.route};
    Queue& queue = queues_[id];
    if (a.status == Status::parked) {
        a.processing_since = {};  // a person's word renews its days as well
        if (record.state == State::parked)
            move(record, State::advice_pending, "R70", c_.now.utc);
        else
            note_rule(record, a.kind == Kind::completion ? "R70" : "R71", c_.now.utc);
        if (a.kind == Kind::refund) remember_chain(record);
        c_.end_exceptions(record.rrn, "a person had it sent again");
    } else if (a.status != Status::waiting || a.not_found_once || !queue.waiting.contains(record.rrn)) {
        return false;  // a quarantine is not shortened by impatience (R51a)
    }
    take(queue, record.rrn);
    a.status = Status::waiting;
    a.next_attempt = a.queued = c_.now.utc;  // a person's word renews its age
    put(queue, record.rrn, {c_.now.instant, c_.now.instant});
    pump(id);
    return true;
}

void StoreAndForward::keep_numbers(TransactionRecord& record) {
    if (record.earlier_attempts.size() == ledger::earlier_attempts_max)
        record.earlier_attempts.erase(record.earlier_attempts.begin());
    record.earlier_attempts.push_back({record.advice.stan, record.advice.transmission_time});
}

void StoreAndForward::send_refund_again(TransactionRecord& refund) {
    keep_numbers(refund);
    c_.end_exceptions(refund.rrn, "a person had it sent again with new numbers");
    send_refund(refund);
}

std::uint32_t StoreAndForward::queued(routing::RouteId route) const {
    const auto at = queues_.find(route);
    return at == queues_.end()
               ? 0
               : static_cast<std::uint32_t>(at->second.waiting.size() + at->second.behind.size() +
                                            at->second.in_flight.size());
}

bool StoreAndForward::waits(const TransactionRecord& record) const {
    const auto at = queues_.find(routing::RouteId{record.route});
    return at != queues_.end() && at->second.waiting.contains(record.rrn);
}

bool StoreAndForward::awaits(const TransactionRecord& record) const {
    const auto at = queues_.find(routing::RouteId{record.route});
    return at != queues_.end() && at->second.in_flight.contains(record.rrn);
}

std::optional<iso8583::Rrn> StoreAndForward::before(const TransactionRecord& record) const {
    const auto at = queues_.find(routing::RouteId{record.route});
    if (at == queues_.end() || !at->second.behind.contains(record.rrn)) return std::nullopt;
    const auto& chain = chains_.at(*record.original);
    const auto own = std::find(chain.begin(), chain.end(), record.rrn);
    if (own == chain.begin() || own == chain.end()) return std::nullopt;
    return *std::prev(own);
}

}  // namespace acquirer
