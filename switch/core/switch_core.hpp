// SwitchCore: all decisions about money. step(Event, Now) → Effects with ledger writes into the overlay; no
// socket, clock, thread, chance or file inside. The story of a transaction is transaction_flow.cpp, top to
// bottom, and transaction_outcome.cpp; states are transaction_state.hpp; why not is refusal.hpp.
//
// Ownership: owns its in-memory tables; refers to the overlay and the vault, which outlive it. Thread: one.
// Errors: a corrupt or missing record that must be there is our bug or the disk's: the store error is
// remembered and `store_error()` tells the turn to stop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "ledger/audit_log.hpp"
#include "ledger/backup_manifest.hpp"
#include "ledger/number_plan.hpp"
#include "ledger/overlay.hpp"
#include "ledger/pan_vault.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/configuration.hpp"
#include "switch/core/effect.hpp"
#include "switch/core/event.hpp"
#include "switch/core/orphans.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

class SwitchCore {
  public:
    /// `audit_hash` is ledger/audit_hash.hpp's SHA-256; the core itself knows no cryptography. `numbers` are
    /// the shard's own; those of the only shard of a switch by default.
    SwitchCore(ConfigurationPtr configuration, ledger::Overlay& overlay, ledger::PanVault& vault,
               ledger::AuditHash audit_hash, ledger::NumberPlan numbers = {});
    ~SwitchCore();

    /// The store was made out of this backup (R65); before recover(). Nothing: it grew here.
    void comes_from(std::optional<ledger::BackupMark> backup);
    /// Entries of the audit chain carry a MAC under this key, which outlives the core; before recover().
    /// `made`: the key as it is to be stored, with the entry that says since when; empty: it is stored.
    void keys_audit_with(const ledger::AuditKey& key, std::string made);
    /// Rebuilds the tables from the ledger before the first step: totals, open work, terminals, overrides;
    /// what was with an issuer becomes in doubt (R57), advices go on as x..1. Effects as of any step; writes
    /// go to the overlay.
    iso8583::Result<Effects, ledger::StoreError> recover(const iso8583::Now& now);
    void step(Event&& event, const iso8583::Now& now, Effects& effects);
    void pass_deadlines(const iso8583::Now& now, Effects& effects);
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const;
    /// Adds the turn's own record (totals, counters) when the turn wrote; called by Turn before the batch is
    /// taken. `turn` numbers the turns as they leave; of one that stays open it may be said again.
    void close_turn(std::uint64_t turn);
    /// The effects of that turn and of those before it have left: what awaits an issuer's answer awaits it
    /// from now on.
    void effects_left(std::uint64_t turn, const iso8583::Now& now);
    [[nodiscard]] CoreStatus status() const;
    [[nodiscard]] const std::optional<ledger::StoreError>& store_error() const;
    /// DE11 and DE7 of the next message to that route's link group: above every durable one after a restart,
    /// DE7 never goes back, numbers in use are skipped. Issuer sessions take theirs for 08xx here too.
    std::pair<iso8583::Stan, iso8583::TransmissionTime> next_issuer_numbers(routing::RouteId route,
                                                                            const iso8583::Now& now);
    /// What a step of it would read that no memory holds: the record that it names. For whoever has it read
    /// beforehand.
    [[nodiscard]] std::vector<ledger::Key> keys_wanted(const TerminalRequest& request) const;
    /// Every transaction record that is decoded now, for whoever compares them with what is stored.
    void visit_decoded_records(const std::function<void(const ledger::TransactionRecord&)>& visit) const;
    /// What it does about each transaction now, for find_orphans() over the overlay; valid until the next
    /// step.
    [[nodiscard]] std::unique_ptr<LiveWork> live_work() const;
    /// No transaction waits for an issuer or the HSM (for draining).
    [[nodiscard]] bool quiet() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace acquirer
