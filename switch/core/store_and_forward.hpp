// StoreAndForward: advices that must arrive: refunds (0220, then 0221) and reversals (0420, then 0421),
// repeated until final. Order is kept inside one sale's chain; a window bounds what is in flight on a route;
// back-off has jitter made from transaction and attempt. "Attempted" is durable before the first byte leaves,
// because the attempt is written in the turn whose effects send it. Rules R30–R33, R50–R57a;
// docs/refund_rules.md, "Store-and-forward".
//
// Until R60 nothing is given up: the longest back-off goes on for ever, and a final code that says nothing
// parks the advice with an exception.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "switch/core/core_context.hpp"

namespace acquirer {

class StoreAndForward {
  public:
    explicit StoreAndForward(CoreContext& context) : c_(context) {}

    /// Gives the record its reversal: fixed numbers, waiting. The caller has moved its state and saves it.
    void prepare_reversal(ledger::TransactionRecord& record, bool of_approved_original);
    void prepare_refund(ledger::TransactionRecord& record);
    /// Takes a saved record with a waiting advice into the queue and sends it at once when it may be sent.
    void enqueue(const ledger::TransactionRecord& record);
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
    /// Operators: attempt now. False when the record has nothing waiting.
    bool retry_now(const iso8583::Rrn& rrn);

    [[nodiscard]] std::uint32_t queued(routing::RouteId route) const;

    /// Called when a reversal is final, with the record loaded and its advice settled; set by SwitchCore.
    std::function<void(ledger::TransactionRecord&, std::string_view rule)> on_reversed;
    std::function<void(ledger::TransactionRecord&, std::string_view rule)> on_reversal_stuck;

  private:
    struct Queue {
        std::set<std::pair<iso8583::UtcTime, iso8583::Rrn>> waiting;
        std::map<iso8583::Rrn, IssuerKey> in_flight;
    };
    void pump(routing::RouteId route);
    void attempt(routing::RouteId route, const iso8583::Rrn& rrn, LinkId link);
    void wait_again(ledger::TransactionRecord& record, std::int64_t after_ms);
    void refund_final(ledger::TransactionRecord& record, const IssuerReply& reply);
    void reversal_final(ledger::TransactionRecord& record, const IssuerReply& reply);
    void park(ledger::TransactionRecord& record, std::string_view why);
    void leave(const ledger::TransactionRecord& record);
    /// False while an earlier refund of the same sale is still on its way.
    [[nodiscard]] bool is_its_turn(const ledger::TransactionRecord& record) const;
    void arm(routing::RouteId route);

    CoreContext& c_;
    std::map<routing::RouteId, Queue> queues_;
    std::map<iso8583::Rrn, std::deque<iso8583::Rrn>> chains_;  // by sale: its refund advices in order
};

}  // namespace acquirer
