// TransactionOutcome: the second half of THE STORY (transaction_flow.hpp has the first): what an issuer's
// answer, its silence or the loss of its connection makes of a transaction that waits for it, and the one
// answer that the terminal gets then. Advices, which wait for nobody, are store_and_forward.hpp; answers that
// nothing awaits are unmatched_replies.hpp; what an unknown outcome leads to is undoing.hpp.
//
// Ownership: member of SwitchCore; it has no state of its own: who waits is InFlight's, the transaction the
// ledger's. Thread: the core's. Errors: none: what a peer may answer is a verdict of its route. Source:
// docs/refund_rules.md R1-R9, R26, R34, R50, R53, R61, R64.
#pragma once

#include <string_view>

#include "switch/core/core_context.hpp"
#include "switch/core/sale_chain.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_flow.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

class TransactionOutcome {
  public:
    TransactionOutcome(CoreContext& context, SaleChain& chain, StoreAndForward& queue, Undoing& undoing,
                       TransactionFlow& transactions)
        : c_(context), chain_(chain), queue_(queue), undoing_(undoing), transactions_(transactions) {}

    void on_issuer_reply(const Awaited& awaited, const IssuerReplyArrived& event);
    void on_reply_deadline(const iso8583::Rrn& rrn);
    void on_link_down(routing::RouteId route, LinkId link);

  private:
    void approved(ledger::TransactionRecord& record, const IssuerReply& reply);
    void partly_approved(ledger::TransactionRecord& record, const routing::Route& route,
                         const IssuerReply& reply);
    void keep_order_number(ledger::TransactionRecord& record, const IssuerReply& reply);
    void declined(ledger::TransactionRecord& record, iso8583::ResponseCode code);
    /// R9: the issuer declined the void that a refund was turned into: nothing was lost, it goes on as the
    /// refund. False when it cannot: then it is declined.
    [[nodiscard]] bool go_on_as_refund(ledger::TransactionRecord& record);
    void finish(const iso8583::Rrn& rrn, const ledger::TransactionRecord& record);

    CoreContext& c_;
    SaleChain& chain_;
    StoreAndForward& queue_;
    Undoing& undoing_;
    TransactionFlow& transactions_;
};

}  // namespace acquirer
