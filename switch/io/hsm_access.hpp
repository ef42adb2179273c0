// HsmAccess: how the shell reaches the HSM, embedded or over TCP. Sessions and core ask by ticket and cannot
// tell which.
//
// Thread: the core's. Errors: HsmFault::unavailable is the only one that says nothing about the request
// (R64).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "hsm_sim/port.hpp"
#include "switch/core/event.hpp"

namespace acquirer {

/// Who asked: a link's session, or the core of a shard (link 0), each under tickets of its own.
struct HsmAsker {
    LinkId link;
    hsm::Ticket ticket = 0;
    std::size_t shard = 0;
};

class HsmAccess {
  public:
    using OnReply = std::function<void(const HsmAsker& asker, const hsm::Reply& reply)>;
    virtual ~HsmAccess() = default;
    /// Where later replies go; set once, before the first ask.
    virtual void on_reply(OnReply call) = 0;
    /// Answers at once, or returns nothing and calls on_reply later, exactly once.
    virtual std::optional<hsm::Reply> ask(const HsmAsker& asker, hsm::Request request) = 0;
    /// Sends, or answers, what was asked since the last call: one go for many questions.
    virtual void flush() = 0;
    /// So many questions wait that more would not make it cheaper.
    [[nodiscard]] virtual bool flush_is_due() const { return false; }
    /// An HSM is there to be asked, as far as is known.
    [[nodiscard]] virtual bool available() const = 0;
    /// Why an HSM that answers is not used, while none is: a sentence for people; empty: nothing of the kind.
    [[nodiscard]] virtual std::string why_unfit() const { return {}; }
    /// Asked and not answered.
    [[nodiscard]] virtual std::size_t waiting() const = 0;
};

}  // namespace acquirer
