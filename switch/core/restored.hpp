// Restored: a ledger that comes from a backup knows it (R65). What happened after the backup was made is not
// known here: sales that issuers have approved, refunds that were paid, answers to what lies in the queue. So
// nothing new begins until people have reconciled each route and two of them say so; what was queued goes on
// under its old numbers as repeats. docs/operations.md, "Backup and restore"; decision 0014.
//
// Ownership: member of SwitchCore. Thread: the core's. What outlives a restart is the ledger's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ledger/backup_manifest.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

class WaysOut;

/// Would it begin a refund, or let one go that was paid after the backup perhaps?
bool begins_new_work(const OperatorCommand& command);

class Restored {
  public:
    Restored(CoreContext& context, WaysOut& ways_out);

    /// Which backup the store was made from; nothing when it grew here. Before recover().
    void comes_from(std::optional<ledger::BackupMark> mark) { mark_ = std::move(mark); }
    /// Begins the wait when the ledger has never been started on since the backup: true then, and the caller
    /// takes note in the audit chain.
    bool recover();
    [[nodiscard]] const std::optional<ledger::BackupMark>& mark() const { return mark_; }
    /// Answers or drops what may not go on while it waits. Keys and echoes do; whatever would change books or
    /// be answered from them does not. A reversal gets no answer, so that its terminal repeats it until it
    /// can be judged.
    bool lets_through(const RequestArrived& event);
    OperatorAnswer propose(const OperatorCommanded& event, const AcceptRestore& command);
    [[nodiscard]] std::optional<RestoredStatus> status() const;
    /// For people: since when what has to be reconciled, and with whom.
    [[nodiscard]] std::string to_reconcile() const;
    /// Two people have accepted it: what waited may go on.
    std::function<void()> on_accepted;

  private:
    std::string accept(const ledger::Proposal& proposal, const std::string& by);

    CoreContext& c_;
    WaysOut& ways_out_;
    std::optional<ledger::BackupMark> mark_;
};

}  // namespace acquirer
