// Policies: which policy is in force, since when and by whose word. What lies over the files is two people's
// (policy apply); every change of a value, theirs or the files', is a version with a record of its own. The
// core never reads TOML: the shell has read it, and hands over what follows (ConfigReplaced).
//
// Ownership: member of SwitchCore. Thread: the core's. What outlives a restart is the ledger's.
#pragma once

#include <string>

#include "ledger/restore_records.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/operator_command.hpp"

namespace acquirer {

class WaysOut;

class Policies {
  public:
    Policies(CoreContext& context, WaysOut& ways_out);

    /// At the start, and when a configuration has come: a version that was not in force before is recorded.
    void look();
    OperatorAnswer propose(const OperatorCommanded& event, const ProposePolicy& command);

  private:
    std::string apply(const ledger::Proposal& proposal, const std::string& by);

    CoreContext& c_;
    WaysOut& ways_out_;
};

}  // namespace acquirer
