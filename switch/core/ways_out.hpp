// WaysOut: how people end a story that the wire could not: retry, settle, release, resolve, reopen, dispute;
// and the proposals by which a second person approves. Who may is judged by operations.cpp (roles) and here
// (two people are never one). Rules R18, R70–R78; docs/refund_rules.md, "Ways out".
//
// Ownership: member of SwitchCore, asked by Operations. Thread: the core's. Nothing here outlives a restart:
// what is proposed is the ledger's.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "switch/core/core_context.hpp"
#include "switch/core/cut_over.hpp"
#include "switch/core/sale_chain.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

/// The command that leads out of the state in which a transaction waits for a person, as people type it;
/// empty when it is final or goes on by itself.
std::string way_out_of(const ledger::TransactionRecord& record);
/// What `settle` may say of it, as "done|refused"; empty when it is neither parked, stale nor stuck.
std::string_view outcomes_of(const ledger::TransactionRecord& record);
/// The stable word of a way out of ABNORMAL, as proposals store it.
std::string_view outcome_of(ResolveAbnormal::Way way);

/// May a proposal of the kind be approved while a restored ledger waits to be accepted (R65)? `refused`: it
/// might pay what was paid after the backup.
enum class WhileRestored : std::uint8_t { decided, refused };

/// What owners beside this one propose.
struct ProposalKind {
    /// What it was judged by; when that has become another, the proposal lapses.
    std::function<std::string()> judged_by;
    std::string_view lapses_because;
    WhileRestored while_restored = WhileRestored::refused;
    /// A sentence: what is so now.
    std::function<std::string(const ledger::Proposal& proposal, const std::string& by)> carry_out;
};

class WaysOut {
  public:
    /// Writes an entry of the audit chain: who, what, about what.
    using Audit =
        std::function<void(const OperatorCommanded& event, std::string action, const std::string& detail)>;

    WaysOut(CoreContext& context, SaleChain& chain, StoreAndForward& queue, Undoing& undoing, CutOver& days)
        : c_(context), chain_(chain), queue_(queue), undoing_(undoing), days_(days) {}
    void open_audit(Audit audit) { audit_ = std::move(audit); }

    OperatorAnswer retry(const OperatorCommanded& event, const RetryAdvice& command);
    OperatorAnswer settle(const OperatorCommanded& event, const SettleTransaction& command);
    OperatorAnswer release(const OperatorCommanded& event, const ReleaseStale& command);
    OperatorAnswer resolve(const OperatorCommanded& event, const ResolveAbnormal& command);
    OperatorAnswer add(const OperatorCommanded& event, const AddDispute& command);
    OperatorAnswer close(const OperatorCommanded& event, const CloseDispute& command);
    /// day cutover --force: a day that would become later than tomorrow (ruling 20).
    OperatorAnswer propose_cut_over(const OperatorCommanded& event, const std::string& why_refused);
    /// `action` is the stable word of its proposals.
    void add_kind(std::string_view action, ProposalKind kind) { kinds_.emplace(action, std::move(kind)); }
    OperatorAnswer propose(const OperatorCommanded& event, ledger::Proposal proposal);
    /// Of proposals only; cases are Operations'.
    OperatorAnswer decide(const OperatorCommanded& event, const DecideProposal& command);

    /// R77: half of a case's time has passed, or all of it.
    void on_case_deadline(const iso8583::Rrn& rrn);

  private:
    [[nodiscard]] const ProposalKind* kind_of(const ledger::Proposal& proposal) const {
        const auto at = kinds_.find(proposal.action);
        return at == kinds_.end() ? nullptr : &at->second;
    }
    /// Over what is proposed, and the transaction's state and last event (ruling 4).
    std::uint64_t digest_of(const ledger::Proposal& proposal);
    bool has_lapsed(const ledger::Proposal& proposal) const;
    bool may_be_decided_while_restored(const ledger::Proposal& proposal) const;
    void end(ledger::Proposal& proposal, ledger::Proposal::State state, const std::string& by);
    std::string carry_out(const ledger::Proposal& proposal, const std::string& by);
    void carry_out_settlement(ledger::TransactionRecord& record, const ledger::Proposal& proposal,
                              const std::string& by);
    void carry_out_resolution(ledger::TransactionRecord& refund, const ledger::Proposal& proposal,
                              const std::string& by);
    void record_chargeback(const ledger::Proposal& proposal, const std::string& by);
    void close_chargeback(ledger::Dispute dispute, const ledger::Proposal& proposal, const std::string& by);
    void cancel_cases_beyond_remaining(const ledger::TransactionRecord& sale);

    CoreContext& c_;
    SaleChain& chain_;
    StoreAndForward& queue_;
    Undoing& undoing_;
    CutOver& days_;
    Audit audit_;
    std::map<std::string, ProposalKind, std::less<>> kinds_;
};

}  // namespace acquirer
