// StoreAndForward: advices that must arrive: refunds (0220, then 0221) and reversals (0420, then 0421),
// repeated until final. Order is kept inside one sale's chain; a window bounds what is in flight on a route;
// back-off has jitter made from transaction and attempt. "Attempted" is durable before the first byte leaves,
// because the attempt is written in the turn whose effects send it. Rules R30–R33, R50–R57a;
// docs/refund_rules.md, "Store-and-forward".
//
// What is exhausted, stale, or answered by a code that says nothing is parked with an exception (R60), and
// waits for a person: a way out retries it under its old numbers or settles it (R70, R71, R73). Waits run by
// the monotonic clock; the stored time of the next attempt is for people and for the next start.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "switch/core/core_context.hpp"

namespace acquirer {

class SaleChain;
class Undoing;

/// What a reversal undoes: what is final among its answers depends on it (refund_rules.md,
/// store-and-forward).
enum class Original : std::uint8_t { approved, in_doubt };

/// R35: a 0420 whose original the switch does not know: it is a tombstone's, or of what the tombstone became.
inline bool is_blind(const ledger::TransactionRecord& record) {
    return record.advice.kind == ledger::QueuedAdvice::Kind::reversal &&
           (record.state == ledger::State::tombstone || record.state == ledger::State::declined);
}

/// The class of an advice's messages: 02xx of a refund or completion, 04xx of a reversal.
constexpr int class_of(const ledger::QueuedAdvice& advice) {
    return advice.kind == ledger::QueuedAdvice::Kind::reversal ? 4 : 2;
}

/// Is the message that left last, or leaves now, an x..1?
constexpr bool is_repeat(const ledger::QueuedAdvice& advice) {
    return advice.attempts > 1 || advice.polls > 0;
}

/// Which of them an answer answers: without a repeat bit of its own, the last that left.
constexpr routing::AdviceAttempt attempt_of(const ledger::QueuedAdvice& advice) {
    return is_repeat(advice) ? routing::AdviceAttempt::repeat : routing::AdviceAttempt::first;
}

class StoreAndForward {
  public:
    /// `undoing` learns of the end of every reversal; it refers to the queue in turn, so that here it may
    /// still be unconstructed.
    StoreAndForward(CoreContext& context, SaleChain& chain, Undoing& undoing)
        : c_(context), chain_(chain), undoing_(undoing) {}

    /// Gives the record its reversal or refund advice, with numbers that stay, and sends it at once when it
    /// may be sent. The caller has moved the record's state.
    void send_reversal(ledger::TransactionRecord& record, Original original);
    void send_refund(ledger::TransactionRecord& record);
    /// R92, R94: the 0220 that completes what a 0100 asked for. The record stands approved meanwhile.
    void send_completion(ledger::TransactionRecord& sale);
    /// After a restart: the waiting advice of a record is in the queue again.
    void resume(const ledger::TransactionRecord& record);
    /// R65: what lies in the queue of a restored ledger may have been sent since: it goes on as a repeat.
    static void may_have_left(ledger::TransactionRecord& record) {
        ledger::QueuedAdvice& a = record.advice;
        const bool waits =
            a.kind != ledger::QueuedAdvice::Kind::none && a.status != ledger::QueuedAdvice::Status::final;
        if (waits && a.attempts == 0) a.attempts = 1;
    }
    /// R65: an advice that never left waits for a person's word, as a stale one does (R73).
    void hold_back(ledger::TransactionRecord& record);
    /// Takes a never attempted advice out (R33, R32): the caller cancels the record.
    void withdraw(ledger::TransactionRecord& record);

    void link_up(routing::RouteId route);
    /// Whatever was in flight on that connection is tried again.
    void link_down(routing::RouteId route, LinkId link);
    /// A route may have come back: what waits for it goes on.
    void configuration_replaced();
    void on_reply(const Awaited& awaited, const IssuerReplyArrived& event);
    /// The answer to an earlier attempt, while the advice waits for its next: it ends the advice just as
    /// well. False: it is none, or does not end it.
    bool on_late_reply(ledger::TransactionRecord& record, const IssuerReplyArrived& event);
    void on_reply_deadline(const iso8583::Rrn& rrn);
    void on_attempt_deadline(routing::RouteId route);
    /// Operators: attempt now; what was parked goes back into the queue, as a repeat with its old numbers
    /// (R70, R71). False when the record has nothing waiting or parked.
    bool retry_now(ledger::TransactionRecord& record);
    /// A person, or a late answer, ended what was parked or waiting: it is out of the queue. The caller moves
    /// the record.
    void settled(ledger::TransactionRecord& record);
    /// DE11 and DE7 of its advice stay known when a new one is made of it.
    static void keep_numbers(ledger::TransactionRecord& record);
    /// R74: a refund that was refused gets a new advice, with new numbers; the caller has moved it.
    void send_refund_again(ledger::TransactionRecord& refund);

    [[nodiscard]] std::uint32_t queued(routing::RouteId route) const;
    /// Is a reversal of one of its refunds or voids unfinished? An online request on the sale then waits.
    [[nodiscard]] bool reverses_in_chain_of(const iso8583::Rrn& sale) const {
        return reversals_.contains(sale);
    }
    /// Did the last reversal of some sale's chain end since the last call? What waits for that may go (R75).
    [[nodiscard]] bool take_freed() { return std::exchange(freed_, false); }
    /// Is this advice waiting with a time, or for its route?
    [[nodiscard]] bool waits(const ledger::TransactionRecord& record) const;
    /// Is its answer awaited?
    [[nodiscard]] bool awaits(const ledger::TransactionRecord& record) const;
    /// The refund of the same sale that it waits behind.
    [[nodiscard]] std::optional<iso8583::Rrn> before(const ledger::TransactionRecord& record) const;

  private:
    struct Waiting {
        iso8583::Instant due;
        iso8583::Instant queued;     // for its age (R60)
        bool kept_distance = false;  // R80: it has waited for it, whatever the wall clock says since
    };
    struct InFlightAdvice {
        IssuerKey key;
        iso8583::Instant queued;
    };
    struct Queue {
        std::set<std::pair<iso8583::Instant, iso8583::Rrn>> order;  // of `waiting`, by when it is due
        std::map<iso8583::Rrn, Waiting> waiting;
        std::map<iso8583::Rrn, iso8583::Instant> behind;  // an earlier refund of its sale; when it was queued
        std::map<iso8583::Rrn, InFlightAdvice> in_flight;
    };
    void put(Queue& queue, const iso8583::Rrn& rrn, Waiting waiting);
    /// When it was queued; nothing when it does not wait there.
    static std::optional<iso8583::Instant> take(Queue& queue, const iso8583::Rrn& rrn);
    void remember_chain(const ledger::TransactionRecord& record);
    void leave(const ledger::TransactionRecord& record);
    /// False while an earlier refund of the same sale is still on its way.
    [[nodiscard]] bool is_its_turn(const ledger::TransactionRecord& record) const;
    [[nodiscard]] bool is_stale(const routing::Route& route, iso8583::Instant queued) const;
    void give_numbers(ledger::TransactionRecord& record, ledger::QueuedAdvice advice);
    /// A reversal goes where what it undoes went (docs/wire.md).
    [[nodiscard]] std::optional<LinkId> link_for_advice(routing::RouteId route,
                                                        const iso8583::Rrn& rrn) const;
    void pump(routing::RouteId route);
    void arm(routing::RouteId route);
    void attempt(routing::RouteId route, const iso8583::Rrn& rrn, LinkId link, const Waiting& was);
    void wait_again(ledger::TransactionRecord& record, std::int64_t after_ms, iso8583::Instant queued);
    void repeat_or_park(ledger::TransactionRecord& record, const routing::Route& route,
                        iso8583::Instant queued);
    void park(ledger::TransactionRecord& record, std::string kind, std::string why);

    // wallet_refunds.cpp
    /// R80: accepted by the wallet, which is asked again at its pace.
    void processing(ledger::TransactionRecord& record, const routing::Route& route, iso8583::Instant queued);
    void poll_again(ledger::TransactionRecord& record, const routing::Route& route, iso8583::Instant queued);
    /// How long the next refund of a sale still has to keep away from one that left; 0: it may go.
    [[nodiscard]] std::int64_t spacing_left_ms(const ledger::TransactionRecord& refund,
                                               const routing::Route& route) const;

    // advice_replies.cpp
    void refund_final(ledger::TransactionRecord& record, const IssuerReply& reply, iso8583::Instant queued);
    void reversal_final(ledger::TransactionRecord& record, const IssuerReply& reply, iso8583::Instant queued);
    [[nodiscard]] routing::ReversalVerdict verdict_of(const ledger::TransactionRecord& reversed,
                                                      iso8583::ResponseCode code) const;

    // completion_advices.cpp
    void completion_final(ledger::TransactionRecord& sale, const IssuerReply& reply, iso8583::Instant queued);
    void completion_taken(ledger::TransactionRecord& sale, const IssuerReply& reply);
    void completion_refused(ledger::TransactionRecord& sale);
    bool late_completion_reply(ledger::TransactionRecord& sale, const routing::Route& route,
                               const IssuerReply& reply);

    // late_advice_replies.cpp
    [[nodiscard]] bool names_another_amount(const ledger::TransactionRecord& record,
                                            const IssuerReply& reply) const;
    bool repeats_what_was_said(const ledger::TransactionRecord& record, const routing::Route& route,
                               const IssuerReply& reply);
    void answered_again(const ledger::TransactionRecord& record);
    bool late_refund_reply(ledger::TransactionRecord& record, const routing::Route& route,
                           const IssuerReply& reply);
    bool late_reversal_reply(ledger::TransactionRecord& record, const IssuerReply& reply);
    static void take_attempt(ledger::TransactionRecord& record, const IssuerReply& reply);
    void paid_after_all(ledger::TransactionRecord& record, const IssuerReply& reply);
    void paid_twice(ledger::TransactionRecord& record);
    void refused_finally(ledger::TransactionRecord& record, std::string kind);

    CoreContext& c_;
    SaleChain& chain_;
    Undoing& undoing_;
    std::map<routing::RouteId, Queue> queues_;
    std::map<iso8583::Rrn, std::deque<iso8583::Rrn>> chains_;  // by sale: its refund advices in order
    std::map<iso8583::Rrn, std::uint32_t> reversals_;          // by sale: reversals of its refunds and voids
    bool freed_ = false;
};

}  // namespace acquirer
