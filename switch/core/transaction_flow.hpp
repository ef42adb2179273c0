// TransactionFlow: THE STORY of a sale, void or refund, from request to what is sent: read
// transaction_flow.cpp top to bottom. What the issuer's answer makes of it, and the terminal's answer then,
// is transaction_outcome.cpp; reversals of terminals are reversal_flow.cpp.
//
// Ownership: member of SwitchCore; owns what waits for the HSM and which cleared cases wait to go. Thread:
// the core's. Nothing here outlives a restart: recover() rebuilds it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "switch/core/core_context.hpp"
#include "switch/core/key_exchange.hpp"
#include "switch/core/sale_chain.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/terminals.hpp"
#include "switch/core/transaction_checks.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

class TransactionFlow {
  public:
    TransactionFlow(CoreContext& context, SaleChain& chain, StoreAndForward& queue, Undoing& undoing,
                    Terminals& terminals, const KeyExchange& key_exchange)
        : c_(context),
          chain_(chain),
          queue_(queue),
          undoing_(undoing),
          terminals_(terminals),
          key_exchange_(key_exchange),
          checks_(context, terminals, queue) {}

    /// A sale, void or refund whose message, terminal and MAC are in order.
    void on_request(RequestArrived&& event);
    void on_pin_translated(hsm::Ticket ticket, const hsm::Reply& reply);
    [[nodiscard]] bool owns(hsm::Ticket ticket) const { return translating_.contains(ticket); }

    /// The askers on that connection are gone; the transaction goes on.
    void on_terminal_link_closed(LinkId link);

    /// After a crash: what was with an issuer is in doubt (R57), what a checker cleared goes on.
    void recover(ledger::TransactionRecord& record);
    /// Sends a cleared refund; it stays cleared while its route is down or has as many in flight as it may,
    /// its chain has an unfinished reversal or its sale is on hold.
    void release_cleared(ledger::TransactionRecord& refund);
    /// Does this cleared refund go when its route, its chain and its sale allow?
    [[nodiscard]] bool waits(const ledger::TransactionRecord& refund) const;
    /// R27: cases of a merchant that only want for funds go when there are some.
    void release_funded(const iso8583::MerchantId& merchant);
    /// Something changed that cleared refunds may have waited for.
    void retry_cleared();
    /// Cleared refunds that wait for the bound of their route go, as many as fit; after each step.
    void go_where_is_room();
    /// R78: what waited for the end of a sale's hold, cleared or for funds, may go.
    void hold_ended(const iso8583::Rrn& sale);

    /// Reserves and sends (or holds) a refund whose checks passed. The draft's record becomes the ledger's,
    /// which is returned.
    ledger::TransactionRecord& accept_refund(TransactionDraft& draft);
    /// R9: the refund that was turned into a void, and reserved since, goes to the issuer as what it is;
    /// whoever asked goes on waiting when it is online.
    void send_after_void(ledger::TransactionRecord& refund, const routing::Route& route);
    [[nodiscard]] TransactionChecks& checks() { return checks_; }

  private:
    // Before anything is decided.
    bool join_in_progress(const RequestArrived& event);
    bool answer_duplicate(const RequestArrived& event, TransactionDraft& draft);
    void answer_again(const Asker& asker, const ledger::TransactionRecord& record,
                      const ledger::AskingKey& key);

    // What is decided, and what follows.
    void decide(TransactionDraft& draft, std::vector<Asker> askers);
    void refuse(TransactionDraft& draft, const std::vector<Asker>& askers, Refusal why);
    void refuse_after_tombstone(TransactionDraft& draft);
    bool ask_pin_translation(TransactionDraft& draft, std::vector<Asker>& askers);
    void fill_record(TransactionDraft& draft);
    ledger::TransactionRecord& remember(TransactionDraft& draft);
    void begin_sale(TransactionDraft& draft, std::vector<Asker> askers);
    void begin_completion(TransactionDraft& draft, std::vector<Asker> askers);
    void begin_void(TransactionDraft& draft, std::vector<Asker> askers);
    void begin_at_issuer(ledger::TransactionRecord& refund, const routing::Route& route,
                         std::string_view rule);
    void begin_refund(TransactionDraft& draft, std::vector<Asker> askers);
    /// `asked`: what the terminal sent; nothing for what operations send.
    void send_request(ledger::TransactionRecord& record, const TransactionDraft* asked,
                      std::vector<Asker> askers);

    void leave_cleared(const ledger::TransactionRecord& refund);

    struct Translating {
        RequestArrived event;
        std::vector<Asker> askers;
        std::string key;
        std::uint64_t digest = 0;  // of its content (R21)
    };
    CoreContext& c_;
    SaleChain& chain_;
    StoreAndForward& queue_;
    Undoing& undoing_;
    Terminals& terminals_;
    const KeyExchange& key_exchange_;
    TransactionChecks checks_;
    std::map<hsm::Ticket, Translating> translating_;
    std::map<std::string, hsm::Ticket> translating_by_key_;
    std::set<iso8583::Rrn> cleared_;  // refunds of checkers that wait for a link
    std::map<routing::RouteId, std::set<iso8583::Rrn>> waiting_for_room_;  // of them, or that were
};

}  // namespace acquirer
