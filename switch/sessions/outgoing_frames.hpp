// OutgoingFrames: what a link session has to send: encoded, with its MAC, framed, in the order in which it
// was given, also when the HSM answers out of order. Shared by terminal and issuer sessions.
//
// Pure: no I/O. Owner: one session. Thread: the core's. The dialect outlives it.
// Errors: `add` returns a sentence when the fields cannot be written in the dialect; the session closes then.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "hsm_sim/port.hpp"
#include "iso8583/codec.hpp"
#include "iso8583/dialect.hpp"
#include "iso8583/field_values.hpp"
#include "iso8583/framing.hpp"

namespace acquirer {

/// A session's question to the HSM, under a ticket of the session's own numbering. Whoever owns the session
/// asks and gives the reply back with hsm_answered(ticket, reply): at once or later, in any order, each
/// exactly once.
struct HsmAsk {
    hsm::Ticket ticket = 0;
    hsm::Request request;
};

/// The key and algorithm a message's MAC is made with.
struct MacKey {
    hsm::KeyKind kind = hsm::KeyKind::tak;
    hsm::KeyBlock key;
    hsm::MacProfile profile;
};

class OutgoingFrames {
  public:
    OutgoingFrames(const iso8583::Dialect& dialect, const iso8583::FramingSpec& framing)
        : dialect_(dialect), framing_(framing) {}
    ~OutgoingFrames();
    OutgoingFrames(const OutgoingFrames&) = delete;
    OutgoingFrames& operator=(const OutgoingFrames&) = delete;

    /// `envelope` carries TPDU and header. With a key the message waits for the HSM: one HsmAsk under
    /// `ticket` is appended to `asks`. Returns why not when it cannot be encoded; nothing was queued then.
    std::optional<std::string> add(iso8583::FieldValues fields, iso8583::Frame envelope,
                                   const std::optional<MacKey>& key, hsm::Ticket ticket,
                                   std::vector<HsmAsk>& asks);

    enum class Answer : std::uint8_t { not_mine, taken, hsm_failed };
    /// The reply to an ask of add(). `hsm_failed`: this message can never be sent.
    Answer mac_answered(hsm::Ticket ticket, const hsm::Reply& reply);

    /// Framed bytes ready for the wire; the owner takes them (and may swap the memory).
    [[nodiscard]] iso8583::Bytes& ready() { return ready_; }
    /// Messages that wait for the HSM, or behind one that does.
    [[nodiscard]] std::size_t waiting() const { return queue_.size(); }

  private:
    struct Item {
        iso8583::EncodedMessage encoded;
        iso8583::Frame envelope;
        hsm::Ticket ticket = 0;  // 0: waits for nothing but its turn
    };
    void write_out(Item& item);
    void release();

    const iso8583::Dialect& dialect_;
    iso8583::FramingSpec framing_;
    std::deque<Item> queue_;
    iso8583::Bytes ready_;
};

}  // namespace acquirer
