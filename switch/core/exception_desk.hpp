// ExceptionDesk: people give exceptions an owner and close them: one, or all open ones of a kind, which two
// people do. Exceptions of a transaction that is not at its end stay open, and those that stand for a
// difference to an issuer's file are reconciliation's.
//
// Ownership: member of SwitchCore, asked by Operations. Thread: the core's. Bound: resolved_at_once_max.
// Source: docs/refundctl.md; refund_rules.md R20b, "Ways out".
#pragma once

#include <optional>
#include <string>

#include "switch/core/core_context.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

class ExceptionDesk {
  public:
    /// Exceptions that one approval closes: they are written in one turn, and everybody waits for it.
    static constexpr std::size_t resolved_at_once_max = 10'000;

    ExceptionDesk(CoreContext& context, WaysOut& ways_out);
    void open_audit(WaysOut::Audit audit) { audit_ = std::move(audit); }

    OperatorAnswer change(const OperatorCommanded& event, const ChangeException& command);

  private:
    OperatorAnswer resolve(const OperatorCommanded& event, ledger::ExceptionRecord exception,
                           const std::string& note);
    OperatorAnswer propose_all(const OperatorCommanded& event, const ChangeException& command);
    std::string resolve_all(const ledger::Proposal& proposal, const std::string& by);
    /// The transaction that it is about, while that is not at its end.
    const ledger::TransactionRecord* open_subject_of(const ledger::ExceptionRecord& exception);
    void close(ledger::ExceptionRecord& exception, const std::string& note, const std::string& by);

    CoreContext& c_;
    WaysOut& ways_out_;
    WaysOut::Audit audit_;
};

}  // namespace acquirer
