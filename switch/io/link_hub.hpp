// LinkHub: what the links' owners need of the runtime. An inner face of switch/io.
#pragma once

#include <optional>
#include <utility>

#include "switch/core/event.hpp"
#include "switch/io/hsm_access.hpp"
#include "switch/sessions/outgoing_frames.hpp"

namespace acquirer {

class LinkHub {
  public:
    virtual LinkId new_link() = 0;
    virtual iso8583::Now now() = 0;
    /// Into the inbox of new requests, stepped last.
    virtual void request_arrived(RequestArrived request) = 0;
    /// Into the inbox of answers and link events, stepped first. False when it is full and the event is an
    /// issuer's answer: the caller closes the link. All else is taken always; there is little of it for each
    /// link.
    [[nodiscard]] virtual bool event_arrived(Event event) = 0;
    /// The inbox of requests is full, or the switch is stopping: terminals are not read.
    [[nodiscard]] virtual bool terminals_may_speak() const = 0;
    virtual std::optional<hsm::Reply> ask_hsm(const HsmAsker& asker, hsm::Request request) = 0;
    /// The link has bytes to send or is to be closed: flush() is called for it once the turn's effects are
    /// performed.
    virtual void touched(LinkId link) = 0;
    /// pass_deadlines() is called for the link then.
    virtual void wake_at(LinkId link, iso8583::Instant when) = 0;
    virtual void forget(LinkId link) = 0;

  protected:
    ~LinkHub() = default;
};

/// What the hub has been told of one link and has not answered yet, so that it is told once.
class ToldHub {
  public:
    /// The link wants flush(); flushing() when it comes.
    void touch(LinkHub& hub, LinkId link) {
        if (!std::exchange(touched_, true)) hub.touched(link);
    }
    void flushing() { touched_ = false; }
    [[nodiscard]] bool touched() const { return touched_; }
    /// Deadlines mostly move later: the hub hears only of earlier ones, and the link is asked again when the
    /// old one is due; waking() then.
    void wake(LinkHub& hub, LinkId link, const std::optional<iso8583::Instant>& deadline) {
        if (!deadline || (wakes_at_ && *wakes_at_ <= *deadline)) return;
        wakes_at_ = deadline;
        hub.wake_at(link, *deadline);
    }
    void waking() { wakes_at_.reset(); }

  private:
    bool touched_ = false;
    std::optional<iso8583::Instant> wakes_at_;
};

/// Lets a session ask until it asks no more or waits for a later reply.
template <typename Session>
void answer_asks(Session& session, LinkHub& hub, const iso8583::Now& now) {
    while (session.has_asks()) {
        for (HsmAsk& ask : session.take_asks()) {
            const auto reply = hub.ask_hsm({session.link(), ask.ticket}, std::move(ask.request));
            if (reply) session.hsm_answered(ask.ticket, *reply, now);
        }
    }
}

}  // namespace acquirer
