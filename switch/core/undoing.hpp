// Undoing: the one home of the switch's own reversals: what an unknown outcome leads to, what a late answer
// changes of it, and what the end of a 0420 means for the record and its sale. An outcome that was once
// unknown is undone by advice until final and never approved again. Rules R30–R34, R39, R50–R51a, R53, R57,
// R61, R64.
//
// Ownership: member of SwitchCore, beside the queue: Undoing gives it reversals, the queue tells it of their
// ends. Thread: the core's.
#pragma once

#include <string_view>

#include "switch/core/core_context.hpp"
#include "switch/core/sale_chain.hpp"
#include "switch/core/store_and_forward.hpp"

namespace acquirer {

class Undoing {
  public:
    Undoing(CoreContext& context, SaleChain& chain, StoreAndForward& queue)
        : c_(context), chain_(chain), queue_(queue) {}

    /// The outcome of what was sent is unknown: the terminal is answered `answer_with`, the issuer gets a
    /// reversal.
    void in_doubt(ledger::TransactionRecord& record, std::string_view rule, Refusal answer_with);
    /// Begins the reversal of a record: reversing, and a 0420 in the queue.
    void reverse(ledger::TransactionRecord& record, std::string_view rule, Original original);
    /// R94, ruling 8: a sale is being reversed, and its 0220 has its final answer: that one names what
    /// stands.
    enum class Completion : std::uint8_t { taken, refused };
    void completion_ended(ledger::TransactionRecord& sale, Completion how);
    /// R39: an approved sale is lowered, and a 0420 of its own says so to the issuer: as soon as those before
    /// it are final. The caller has judged the amount.
    void reverse_part(ledger::TransactionRecord& sale, std::uint64_t digest, std::int64_t left_minor);
    /// A void did not happen: its sale stands again, unless its own reversal waited for just that (R34).
    void void_failed(const ledger::TransactionRecord& void_record, std::string_view rule);
    /// An approval or refusal that nobody waits for any more (R51).
    void on_late_reply(ledger::TransactionRecord& record, const IssuerReplyArrived& event);

    /// R39: the issuer confirmed late what it had refused.
    void on_partial_done_late(ledger::TransactionRecord& sale);

    /// The end of a 0420; called by the queue, which has settled the advice.
    void on_reversed(ledger::TransactionRecord& record, std::string_view rule);
    void on_reversal_stuck(ledger::TransactionRecord& record, std::string_view rule);

    /// R71, R72: two people know that what a parked or stuck 0420 was to undo stands after all: the original
    /// of a reversal, or the sale of a void that was sent as one.
    void settle_as_standing(ledger::TransactionRecord& record, std::string_view rule);
    /// The same, that it is undone (or the sale voided).
    void settle_as_undone(ledger::TransactionRecord& record, std::string_view rule);

  private:
    static void name_late_authorization(ledger::TransactionRecord& record);
    void reverse_what_was_not_found(ledger::TransactionRecord& record);
    void completion_stands(ledger::TransactionRecord& sale, std::string_view rule);
    void send_partial(ledger::TransactionRecord& sale);
    void end_partial(ledger::TransactionRecord& sale, ledger::PartialReversal::Status status,
                     std::string_view rule);

    CoreContext& c_;
    SaleChain& chain_;
    StoreAndForward& queue_;
};

}  // namespace acquirer
