// Operations: what people may change through refundctl: cases, approvals, routes, merchants, terminals, the
// day. Role and maker ≠ checker are enforced here, and every change is an entry of the audit chain in the
// same turn. Rules R17, R20b; docs/refundctl.md.
#pragma once

#include "ledger/audit_log.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/cut_over.hpp"
#include "switch/core/key_exchange.hpp"
#include "switch/core/key_inventory.hpp"
#include "switch/core/settlement.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/transaction_flow.hpp"

namespace acquirer {

class Operations {
  public:
    Operations(CoreContext& context, SaleChain& chain, StoreAndForward& queue, TransactionFlow& transactions,
               Terminals& terminals, Settlement& settlement, CutOver& days, KeyExchange& key_exchange,
               KeyInventory& key_inventory)
        : c_(context),
          chain_(chain),
          queue_(queue),
          transactions_(transactions),
          terminals_(terminals),
          settlement_(settlement),
          days_(days),
          key_exchange_(key_exchange),
          key_inventory_(key_inventory) {}

    void open_audit(const ledger::AuditLog& audit) { audit_ = audit; }
    void on_command(const OperatorCommanded& event);
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
    OperatorAnswer perform(const OperatorCommanded& event, const RetryAdvice& command);
    OperatorAnswer perform(const OperatorCommanded& event, const ChangeException& command);

    /// The held case of a number, or an answer that says why there is none.
    iso8583::Result<ledger::TransactionRecord*, OperatorAnswer> held_case(const std::string& case_number);
    /// The draft of an operations refund: its sale, and what the terminal's request would have said.
    iso8583::Result<TransactionDraft, OperatorAnswer> draft_refund(const std::string& rrn,
                                                                   const std::string& date_mmdd,
                                                                   const std::string& amount_major);
    void end_held(ledger::TransactionRecord& refund, ledger::State state, const std::string& user);
    void audit(const OperatorCommanded& event, std::string action, const std::string& detail);

    CoreContext& c_;
    SaleChain& chain_;
    StoreAndForward& queue_;
    TransactionFlow& transactions_;
    Terminals& terminals_;
    Settlement& settlement_;
    CutOver& days_;
    KeyExchange& key_exchange_;
    KeyInventory& key_inventory_;
    std::optional<ledger::AuditLog> audit_;
};

}  // namespace acquirer
