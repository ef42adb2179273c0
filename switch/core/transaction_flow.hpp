// TransactionFlow: THE STORY of a sale, void or refund, from request to answer. Read transaction_flow.cpp top
// to bottom; reversals are reversal_flow.cpp, what must be repeated is store_and_forward.cpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "switch/core/core_context.hpp"
#include "switch/core/key_exchange.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/terminals.hpp"

namespace acquirer {

class TransactionFlow {
  public:
    TransactionFlow(CoreContext& context, StoreAndForward& queue, Terminals& terminals,
                    const KeyExchange& key_exchange)
        : c_(context), queue_(queue), terminals_(terminals), key_exchange_(key_exchange) {}

    /// A sale, void or refund whose message, terminal and MAC are in order.
    void on_request(const RequestArrived& event);
    void on_pin_translated(hsm::Ticket ticket, const hsm::Reply& reply);
    [[nodiscard]] bool owns(hsm::Ticket ticket) const { return translating_.contains(ticket); }

    void on_issuer_reply(const Awaited& awaited, const IssuerReplyArrived& event);
    /// An approval or refusal that nobody waits for any more (R51).
    void on_late_reply(ledger::TransactionRecord& record, const IssuerReplyArrived& event);
    void on_reply_deadline(const iso8583::Rrn& rrn);
    void on_link_down(routing::RouteId route, LinkId link);
    /// The askers on that connection are gone; the transaction goes on.
    void on_terminal_link_closed(LinkId link);

    /// A 0420 came to its end (called by the queue).
    void on_reversed(ledger::TransactionRecord& record, std::string_view rule);
    void on_reversal_stuck(ledger::TransactionRecord& record, std::string_view rule);

    /// After a crash: what was with an issuer is in doubt (R57), what a checker cleared goes on.
    void recover(ledger::TransactionRecord& record);
    /// Sends a cleared refund; it stays cleared while its route is down.
    void release_cleared(ledger::TransactionRecord& refund);
    void retry_cleared(routing::RouteId route);

    /// Begins the reversal of a record (state reversing, queued); used by reversals of terminals as well.
    void reverse(ledger::TransactionRecord& record, std::string_view rule, bool of_approved_original);

    /// For `refundctl refund check` and `open`: the checks of a refund without a terminal.
    struct Draft {
        RequestArrived event;
        ledger::TransactionRecord record;
        std::optional<ledger::TransactionRecord> sale;  // of a refund or void
        Refusal sale_search = Refusal::none;            // why there is none
        const routing::Route* route = nullptr;
        const MerchantConfig* merchant = nullptr;
        std::string slot_key;
        ledger::TraceSlot slot;
        iso8583::Rrn tombstone;
        std::optional<iso8583::Rrn> same_case;  // R20b: an equal refund is held already
        bool hold = false;                      // R17, R20b: a checker decides
        std::string hold_rule;
        iso8583::Bytes pin_block;  // under the issuer's ZPK, once translated
        bool pin_is_translated = false;
    };
    /// Checks of a refund after its sale was found; used by operations too. May set `hold`.
    Refusal check_refund_of_sale(Draft& draft);
    /// Reserves and sends (or holds) a refund whose checks passed.
    void accept_refund(Draft& draft);

  private:
    using Check = Refusal (TransactionFlow::*)(Draft&);
    void decide(Draft& draft, std::vector<Asker> askers);

    // Before anything is decided.
    bool join_in_progress(const RequestArrived& event);
    bool answer_duplicate(const RequestArrived& event, Draft& draft);
    void answer_again(const Asker& asker, const ledger::TransactionRecord& record);

    // Checks, in the order of precedence.
    Refusal run(const std::vector<Check>& checks, Draft& draft);
    Refusal terminal_may_work(Draft& draft);
    Refusal batch_is_open(Draft& draft);
    Refusal not_reversed_before(Draft& draft);
    Refusal amount_is_good(Draft& draft);
    Refusal currency_is_ours(Draft& draft);
    Refusal currency_is_the_sales(Draft& draft);
    Refusal merchant_may_refund(Draft& draft);
    Refusal sale_is_found(Draft& draft);
    Refusal void_is_of_this_terminal(Draft& draft);
    Refusal void_names_its_trace(Draft& draft);
    Refusal authorization_is_the_sales(Draft& draft);
    Refusal card_is_the_sales(Draft& draft);
    Refusal refund_state_allows(Draft& draft);
    Refusal void_state_allows(Draft& draft);
    Refusal void_is_whole(Draft& draft);
    Refusal window_is_open(Draft& draft);
    Refusal limits_allow(Draft& draft);
    Refusal remaining_covers(Draft& draft);
    Refusal approval_or_not(Draft& draft);
    Refusal sale_has_a_route(Draft& draft);
    Refusal original_has_a_route(Draft& draft);
    Refusal system_has_room(Draft& draft);
    void check_repeat(Draft& draft);
    [[nodiscard]] bool slot_is_flooded(const Draft& draft) const;

    // What follows.
    void refuse(Draft& draft, const std::vector<Asker>& askers, Refusal why);
    bool ask_pin_translation(Draft& draft, std::vector<Asker>& askers);
    void fill_record(Draft& draft);
    void remember(Draft& draft);
    void begin_sale(Draft& draft, std::vector<Asker> askers);
    void begin_void(Draft& draft, std::vector<Asker> askers);
    void begin_refund(Draft& draft, std::vector<Asker> askers);
    void send_request(ledger::TransactionRecord& record, const std::optional<ledger::TransactionRecord>& sale,
                      const TerminalRequest* request, const iso8583::Bytes& pin_block,
                      std::vector<Asker> askers);

    // The end of an online transaction.
    void approved(ledger::TransactionRecord& record, const IssuerReply& reply);
    void declined(ledger::TransactionRecord& record, iso8583::ResponseCode code);
    void in_doubt(ledger::TransactionRecord& record, std::string_view rule, Refusal answer_with);
    void finish(const iso8583::Rrn& rrn, const ledger::TransactionRecord& record);
    void store_answer(ledger::TransactionRecord& record, iso8583::ResponseCode code, std::string text = {});

    struct Translating {
        RequestArrived event;
        std::vector<Asker> askers;
        std::string key;
    };
    CoreContext& c_;
    StoreAndForward& queue_;
    Terminals& terminals_;
    const KeyExchange& key_exchange_;
    std::map<hsm::Ticket, Translating> translating_;
    std::map<std::string, hsm::Ticket> translating_by_key_;
    std::set<iso8583::Rrn> cleared_;  // refunds of checkers that wait for a link
};

}  // namespace acquirer
