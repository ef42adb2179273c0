// UnmatchedReplies: what becomes of an issuer's answer that nothing awaits, and how it is told whether
// anything does. Such an answer comes late (R51), says once more what was taken, or answers nothing that was
// ever asked (R63): the first two go to whoever knows what to make of them, the last is for people to look
// at, when its MAC is good.
//
// Ownership: member of SwitchCore; it has no state of its own. Thread: the core's. Errors: none: whatever a
// peer may say is counted, noted, or an exception of its route. Source: docs/wire.md, "Towards issuers";
// refund_rules.md R51, R63.
#pragma once

#include <optional>

#include "switch/core/core_context.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/undoing.hpp"

namespace acquirer {

/// What awaits this answer: by class, DE11 and DE7 on its route, and by DE37 and DE41 where it says them.
std::optional<Awaited> what_awaits(CoreContext& context, const IssuerReplyArrived& event);

class UnmatchedReplies {
  public:
    UnmatchedReplies(CoreContext& context, StoreAndForward& queue, Undoing& undoing)
        : c_(context), queue_(queue), undoing_(undoing) {}

    /// Late when its DE37 leads to the record that sent what it answers, else an exception of its route with
    /// the nearest miss.
    void on_reply(const IssuerReplyArrived& event);

  private:
    [[nodiscard]] bool is_late(ledger::TransactionRecord& record, const IssuerReplyArrived& event);
    void unproven(const IssuerReplyArrived& event);

    CoreContext& c_;
    StoreAndForward& queue_;
    Undoing& undoing_;
};

}  // namespace acquirer
