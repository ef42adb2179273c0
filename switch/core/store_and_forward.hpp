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
#include <map>
#include <set>

#include "switch/core/core_context.hpp"

namespace acquirer {

class SaleChain;
class Undoing;

/// What a reversal undoes: what is final among its answers depends on it (refund_rules.md,
/// store-and-forward).
enum class Original : std::uint8_t { approved, in_doubt };

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
    /// After a restart: the waiting advice of a record is in the queue again.
    void resume(const ledger::TransactionRecord& record);
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
    /// Is a reversal of one of its refunds or voids unfinished? An online request on the sale then waits.
    [[nodiscard]] bool reverses_in_chain_of(const iso8583::Rrn& sale) const {
        return reversals_.contains(sale);
    }

  private:
    struct Queue {
        std::set<std::pair<iso8583::UtcTime, iso8583::Rrn>> waiting;
        std::map<iso8583::Rrn, IssuerKey> in_flight;
    };
    void give_numbers(ledger::TransactionRecord& record, ledger::QueuedAdvice advice);
    void pump(routing::RouteId route);
    void attempt(routing::RouteId route, const iso8583::Rrn& rrn, LinkId link);
    void wait_again(ledger::TransactionRecord& record, std::int64_t after_ms);
    void refund_final(ledger::TransactionRecord& record, const IssuerReply& reply);
    void reversal_final(ledger::TransactionRecord& record, const IssuerReply& reply);
    [[nodiscard]] bool names_another_amount(const ledger::TransactionRecord& record,
                                            const IssuerReply& reply) const;
    void park(ledger::TransactionRecord& record, std::string_view why);
    void leave(const ledger::TransactionRecord& record);
    /// False while an earlier refund of the same sale is still on its way.
    [[nodiscard]] bool is_its_turn(const ledger::TransactionRecord& record) const;
    void arm(routing::RouteId route);

    CoreContext& c_;
    SaleChain& chain_;
    Undoing& undoing_;
    std::map<routing::RouteId, Queue> queues_;
    std::map<iso8583::Rrn, std::deque<iso8583::Rrn>> chains_;  // by sale: its refund advices in order
    std::map<iso8583::Rrn, std::uint32_t> reversals_;          // by sale: reversals of its refunds and voids
};

}  // namespace acquirer
