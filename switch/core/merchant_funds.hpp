// MerchantFunds: what people do to a merchant's money: add to its reserve (R104), charge it beside the fees
// of its sales and give back of such a charge (R103). Each is proposed by one person and carried out when
// another approves; a charge and an adjustment are named by references of the merchant's own, so that a
// command typed twice is not a second one.
//
// Ownership: member of SwitchCore. Thread: the core's. What outlives a restart is the ledger's.
// Source: docs/merchant_money.md.
#pragma once

#include <string>

#include "ledger/merchant_books.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/operator_command.hpp"

namespace acquirer {

class TransactionFlow;
class WaysOut;

class MerchantFunds {
  public:
    MerchantFunds(CoreContext& context, TransactionFlow& transactions, WaysOut& ways_out);

    OperatorAnswer propose(const OperatorCommanded& event, const AddReserve& command);
    OperatorAnswer propose(const OperatorCommanded& event, const ChargeMerchant& command);
    OperatorAnswer propose(const OperatorCommanded& event, const OpenAdjustment& command);

  private:
    std::string add_reserve(const ledger::Proposal& proposal, const std::string& by);
    std::string charge(const ledger::Proposal& proposal, const std::string& by);
    std::string adjust(const ledger::Proposal& proposal, const std::string& by);
    /// Why the amount cannot be given back of the charge; nothing when it can.
    std::optional<std::string> fault_of_adjustment(const iso8583::MerchantId& merchant,
                                                   const std::string& charge, std::int64_t minor);
    void post(const ledger::Adjustment& adjustment, std::int64_t stands_minor);

    CoreContext& c_;
    TransactionFlow& transactions_;
    WaysOut& ways_out_;
};

}  // namespace acquirer
