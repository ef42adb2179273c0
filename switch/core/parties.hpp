// Parties: merchants and ranges of terminals that operations add to those of the configuration file, and take
// back. The core stores them and asks the shell to lay them over the file (PartiesChanged); they are in use
// when the ConfigReplaced that follows is stepped. One such change is under way at a time, so that each is
// checked against all before it.
//
// Ownership: member of SwitchCore. Thread: the core's. Source: docs/operations.md, "Merchants and terminals".
#pragma once

#include <functional>
#include <string>

#include "ledger/party_books.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/operator_command.hpp"

namespace acquirer {

class Parties {
  public:
    using Audit =
        std::function<void(const OperatorCommanded&, std::string action, const std::string& detail)>;

    explicit Parties(CoreContext& context) : c_(context), books_(context.ledger) {}
    void open_audit(Audit audit) { audit_ = std::move(audit); }

    OperatorAnswer add(const OperatorCommanded& event, const AddParty& command);
    OperatorAnswer remove(const OperatorCommanded& event, const RemoveParty& command);
    void configuration_replaced() { under_way_ = false; }

  private:
    [[nodiscard]] std::string not_now(std::uint32_t checked_against) const;
    /// Why it cannot be taken back yet; empty when nothing of it is open.
    [[nodiscard]] std::string still_open(const RemoveParty& command);

    CoreContext& c_;
    ledger::PartyBooks books_;
    Audit audit_;
    bool under_way_ = false;
};

}  // namespace acquirer
