// ReversalFlow: what a terminal's reversal (冲正) leads to. Rules R30–R40. A reversal is answered 00 once it
// is queued durably, and never 09, 90, 91 or 96: for a passing fault it gets no answer, and the terminal
// repeats it.
#pragma once

#include "switch/core/core_context.hpp"
#include "switch/core/original_matcher.hpp"
#include "switch/core/sale_chain.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

class ReversalFlow {
  public:
    ReversalFlow(CoreContext& context, SaleChain& chain, StoreAndForward& queue, Undoing& undoing)
        : c_(context), chain_(chain), queue_(queue), undoing_(undoing) {}

    /// A reversal whose message, terminal and MAC are in order.
    void on_request(const RequestArrived& event);

  private:
    /// wait: no answer; what it depends on is not decided yet.
    enum class Outcome : std::uint8_t { accepted, not_allowed, wait };
    void without_original(const Asker& asker, const MeansIdentity& means, const FoundForReversal& found);
    /// R20b: what other keys still ask for stays; this one is remembered. False: it is the last.
    [[nodiscard]] bool leaves_the_case(ledger::TransactionRecord& refund);
    const ledger::TransactionRecord& set_tombstone(const TerminalRequest& request, const MeansIdentity& means,
                                                   const ledger::TransactionRecord* near);
    void send_blind(ledger::TransactionRecord& stone, const TerminalRequest& request);
    Outcome judge(ledger::TransactionRecord& original);
    [[nodiscard]] Refusal judge_part_amount(const ledger::TransactionRecord& sale,
                                            std::int64_t left_minor) const;
    Outcome judge_part(ledger::TransactionRecord& sale, std::int64_t left_minor);
    Outcome judge_sale(ledger::TransactionRecord& sale);
    Outcome judge_refund(ledger::TransactionRecord& refund);
    Outcome judge_approved_sale(ledger::TransactionRecord& sale);
    Outcome judge_authorization(ledger::TransactionRecord& authorization);
    Outcome judge_void(ledger::TransactionRecord& void_record);
    Outcome judge_void_by_reversal(ledger::TransactionRecord& void_record);
    [[nodiscard]] bool is_of_a_settled_batch(const ledger::TransactionRecord& record);
    void withdraw(ledger::TransactionRecord& record);
    void cancel_cases(const std::vector<iso8583::Rrn>& held);
    void cancel_refund(ledger::TransactionRecord& refund);

    CoreContext& c_;
    SaleChain& chain_;
    StoreAndForward& queue_;
    Undoing& undoing_;
    std::uint64_t digest_ = 0;  // of the reversal being judged
    ledger::AskingKey key_;     // that it names
};

}  // namespace acquirer
