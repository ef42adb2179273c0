// Operations: what people may change through refundctl: cases, approvals, routes, merchants, terminals, the
// day. Role and maker ≠ checker are enforced here, and every change is an entry of the audit chain in the
// same turn. Rules R17, R20b; docs/refundctl.md.
#pragma once

#include "ledger/audit_log.hpp"
#include "switch/core/backups.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/cut_over.hpp"
#include "switch/core/exception_desk.hpp"
#include "switch/core/file_intake.hpp"
#include "switch/core/key_exchange.hpp"
#include "switch/core/key_inventory.hpp"
#include "switch/core/merchant_funds.hpp"
#include "switch/core/parties.hpp"
#include "switch/core/policies.hpp"
#include "switch/core/reconciliation.hpp"
#include "switch/core/refund_batches.hpp"
#include "switch/core/restored.hpp"
#include "switch/core/retention.hpp"
#include "switch/core/settlement.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_flow.hpp"
#include "switch/core/vault_rotation.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

class Operations {
  public:
    Operations(CoreContext& context, SaleChain& chain, StoreAndForward& queue, TransactionFlow& transactions,
               WaysOut& ways_out, Terminals& terminals, Settlement& settlement, CutOver& days,
               KeyExchange& key_exchange, KeyInventory& key_inventory, FileIntake& files,
               RefundBatches& batches, Reconciliation& reconciliation, Restored& restored, Backups& backups,
               Policies& policies, Parties& parties, MerchantFunds& merchant_funds, ExceptionDesk& exceptions,
               Retention& retention, VaultRotation& vault_rotation)
        : c_(context),
          chain_(chain),
          queue_(queue),
          transactions_(transactions),
          ways_out_(ways_out),
          terminals_(terminals),
          settlement_(settlement),
          days_(days),
          key_exchange_(key_exchange),
          key_inventory_(key_inventory),
          files_(files),
          batches_(batches),
          reconciliation_(reconciliation),
          restored_(restored),
          backups_(backups),
          policies_(policies),
          parties_(parties),
          merchant_funds_(merchant_funds),
          exceptions_(exceptions),
          retention_(retention),
          vault_rotation_(vault_rotation) {
        retention_.open_audit([this](const std::string& user, std::string action, const std::string& detail) {
            audit(user, "", std::move(action), detail);
        });
        backups_.open_audit([this](const std::string& user, std::string action, const std::string& detail) {
            audit(user, name(Role::admin), std::move(action), detail);
        });
        vault_rotation_.open_audit(
            [this](const std::string& user, std::string action, const std::string& detail) {
                audit(user, name(Role::security_officer), std::move(action), detail);
            });
        parties_.open_audit([this](const OperatorCommanded& event, std::string action,
                                   const std::string& detail) { audit(event, std::move(action), detail); });
        exceptions_.open_audit(
            [this](const OperatorCommanded& event, std::string action, const std::string& detail) {
                audit(event, std::move(action), detail);
            });
        reconciliation_.open_audit(
            [this](const OperatorCommanded& event, std::string action, const std::string& detail) {
                audit(event, std::move(action), detail);
            });
        ways_out_.open_audit([this](const OperatorCommanded& event, std::string action,
                                    const std::string& detail) { audit(event, std::move(action), detail); });
        batches_.open_audit(
            [this](const std::string& user, std::string_view role, std::string action,
                   const std::string& detail) { audit(user, role, std::move(action), detail); });
    }

    void open_audit(const ledger::AuditLog& audit) { audit_ = audit; }
    void on_command(const OperatorCommanded& event);
    /// R65: the chain goes on above the numbers that were lost.
    void audit_restore(const std::string& detail);
    /// An entry of the audit chain, and the same in the log.
    void audit(const std::string& user, std::string_view role, std::string action, const std::string& detail);

  private:
    OperatorAnswer perform(const OperatorCommanded& event, const CheckRefund& command);
    OperatorAnswer perform(const OperatorCommanded& event, const OpenRefund& command);
    OperatorAnswer perform(const OperatorCommanded& event, const ApproveRefund& command);
    OperatorAnswer perform(const OperatorCommanded& event, const RejectRefund& command);
    OperatorAnswer perform(const OperatorCommanded& event, const CancelRefund& command);
    OperatorAnswer perform(const OperatorCommanded& event, const MoveRoute& command);
    OperatorAnswer perform(const OperatorCommanded& event, const ChangeMerchant& command);
    OperatorAnswer perform(const OperatorCommanded& event, const ChangeTerminal& command);
    OperatorAnswer perform(const OperatorCommanded& event, const CutOverDay& command);
    OperatorAnswer perform(const OperatorCommanded& event, const ChangeException& command) {
        return exceptions_.change(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const ReopenRefund& command);
    OperatorAnswer perform(const OperatorCommanded& event, const EditRefund& command);
    OperatorAnswer perform(const OperatorCommanded& event, const DecideProposal& command);
    OperatorAnswer perform(const OperatorCommanded& event, const PutFile& command);
    OperatorAnswer perform(const OperatorCommanded& event, const ImportIssuerFile& command) {
        return reconciliation_.import(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const RunReconciliation& command) {
        return reconciliation_.run(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const ResolveDifference& command) {
        return reconciliation_.resolve(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const BackUp& command) {
        return backups_.begin(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const AcceptRestore& command) {
        return restored_.propose(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const RotateVaultKey& command) {
        return vault_rotation_.propose(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const RetireVaultKey& command) {
        return vault_rotation_.propose(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const ProposePolicy& command) {
        return policies_.propose(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const AddParty& command) {
        return parties_.add(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const RemoveParty& command) {
        return parties_.remove(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const AddReserve& command) {
        return merchant_funds_.propose(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const ChargeMerchant& command) {
        return merchant_funds_.propose(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const OpenAdjustment& command) {
        return merchant_funds_.propose(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const RunPurge& command) {
        return retention_.propose(event, command);
    }
    // Batches: refund_batches.cpp; what waits for people: ways_out.cpp.
    OperatorAnswer perform(const OperatorCommanded&, const JudgeLines& command) {
        return batches_.judge(command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const DecideBatch& command) {
        return batches_.decide(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const ChangeBatch& command) {
        return batches_.change(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const RetryAdvice& command) {
        return ways_out_.retry(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const SettleTransaction& command) {
        return ways_out_.settle(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const ReleaseStale& command) {
        return ways_out_.release(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const ResolveAbnormal& command) {
        return ways_out_.resolve(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const AddDispute& command) {
        return ways_out_.add(event, command);
    }
    OperatorAnswer perform(const OperatorCommanded& event, const CloseDispute& command) {
        const auto dispute = c_.ledger.dispute(command.id);
        OperatorAnswer answer = ways_out_.close(event, command);
        if (answer.done && dispute) transactions_.hold_ended(dispute->sale);
        return answer;
    }

    /// The held case of a number, or an answer that says why there is none.
    iso8583::Result<ledger::TransactionRecord*, OperatorAnswer> held_case(const std::string& case_number);
    /// The draft of an operations refund: its sale, and what the terminal's request would have said.
    iso8583::Result<TransactionDraft, OperatorAnswer> draft_refund(const std::string& rrn,
                                                                   const std::string& date_mmdd,
                                                                   const std::string& amount_major);
    void end_held(ledger::TransactionRecord& refund, ledger::State state, const std::string& user);
    std::optional<std::string> reserve_shortage(ledger::TransactionRecord& refund);
    void audit(const OperatorCommanded& event, std::string action, const std::string& detail);

    CoreContext& c_;
    SaleChain& chain_;
    StoreAndForward& queue_;
    TransactionFlow& transactions_;
    WaysOut& ways_out_;
    Terminals& terminals_;
    Settlement& settlement_;
    CutOver& days_;
    KeyExchange& key_exchange_;
    KeyInventory& key_inventory_;
    FileIntake& files_;
    RefundBatches& batches_;
    Reconciliation& reconciliation_;
    Restored& restored_;
    Backups& backups_;
    Policies& policies_;
    Parties& parties_;
    MerchantFunds& merchant_funds_;
    ExceptionDesk& exceptions_;
    Retention& retention_;
    VaultRotation& vault_rotation_;
    std::optional<ledger::AuditLog> audit_;
};

}  // namespace acquirer
