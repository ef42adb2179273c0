// IssuerSession: one connection to an issuer. It signs on (0800, DE70 001), echoes when idle (301), answers
// the issuer's own 0800, puts MACs on what the core sends and verifies those of what comes back. To the core
// it says IssuerLinkUp once signed on, IssuerReplyArrived for every answer, IssuerKeyOffered for an 0800 that
// changes a key, IssuerLinkDown once, when it ends.
//
//     connected → bytes_arrived / send / hsm_answered / pass_deadlines → take_asks, take_events, outbox
//
// Matching answers with requests is the core's; only its own 08xx are matched here. Reconnecting is the
// shell's: a session lives as long as its connection. Unreadable messages are not delivered: the request then
// times out, which is the safe side (R50). After `closed()` everything is ignored.
//
// Owner: the shell, or the simulator; the dialect outlives it. Thread: the core's. Bounds:
// IssuerSessionLimits. Source: docs/wire.md, "Towards issuers"; refund_rules.md R53, R61, R63, R64.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/dialect.hpp"
#include "switch/core/effect.hpp"
#include "switch/core/event.hpp"
#include "switch/sessions/frame_input.hpp"
#include "switch/sessions/message_mac.hpp"
#include "switch/sessions/outgoing_frames.hpp"

namespace acquirer {

struct IssuerSessionLimits {
    /// An 0800 of ours must be answered within this, or the connection is given up.
    std::int32_t network_reply_timeout_ms = 10'000;
    /// After this long without a byte from the issuer an echo is sent.
    std::int32_t echo_after_ms = 60'000;
    /// So many requests in a row without a byte from the issuer, the last of them for request_timeout_ms: an
    /// echo goes out at once, and its answer may take probe_timeout_ms. 0 ms: off.
    std::int32_t request_timeout_ms = 0;
    std::size_t timeouts_max = 3;
    std::int32_t probe_timeout_ms = 2'000;
    FrameInputLimits input;
    /// Framed requests that the socket has not taken yet: the issuer does not read.
    std::size_t outbox_bytes_max = 4U << 20;
    /// Answers whose MAC is being verified.
    std::size_t verifying_max = 8'192;
    /// Complaints kept for the log between two calls of take_complaints().
    std::size_t complaints_max = 16;
};

struct IssuerSessionSetup {
    LinkId link;
    routing::RouteId route;
    const iso8583::Dialect* dialect = nullptr;
    iso8583::FramingSpec framing;
    hsm::MacProfile mac;
    /// Under the LMK. More than one while an exchanged key is in its grace period: the first makes MACs, all
    /// verify.
    std::vector<hsm::KeyBlock> zaks;
    IssuerSessionLimits limits;
};

/// DE11 and DE7 of the next message of the route's link group (SwitchCore::next_issuer_numbers).
using NextIssuerNumbers =
    std::function<std::pair<iso8583::Stan, iso8583::TransmissionTime>(const iso8583::Now& now)>;

class IssuerSession {
  public:
    IssuerSession(IssuerSessionSetup setup, NextIssuerNumbers next_numbers);

    /// The connection stands: signs on.
    void connected(const iso8583::Now& now);
    void bytes_arrived(iso8583::ByteView bytes, const iso8583::Now& now);
    void hsm_answered(hsm::Ticket ticket, const hsm::Reply& reply, const iso8583::Now& now);
    /// From the next message on: the first makes MACs, all verify.
    void install_keys(std::vector<hsm::KeyBlock> zaks);
    /// On a connection that is closed or not signed on this does nothing: the core has been told, or will be.
    void send(const SendToIssuer& message, const iso8583::Now& now);
    void pass_deadlines(const iso8583::Now& now);
    /// May move later without notice; the owner asks again when it falls due.
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const;
    /// The peer closed, the connection broke, or the shell gives it up.
    void close(std::string reason);

    [[nodiscard]] std::vector<HsmAsk> take_asks() { return std::exchange(asks_, {}); }
    [[nodiscard]] bool has_asks() const { return !asks_.empty(); }
    /// IssuerLinkUp, IssuerReplyArrived, IssuerLinkDown, in order.
    [[nodiscard]] std::vector<Event> take_events() { return std::exchange(events_, {}); }
    [[nodiscard]] iso8583::Bytes& outbox() { return outgoing_.ready(); }
    /// What the issuer sent that could not be used, in words without content, for the log.
    [[nodiscard]] std::vector<std::string> take_complaints() { return std::exchange(complaints_, {}); }
    [[nodiscard]] const std::optional<std::string>& closed() const { return closed_; }
    [[nodiscard]] bool signed_on() const { return signed_on_; }
    [[nodiscard]] LinkId link() const { return setup_.link; }
    [[nodiscard]] routing::RouteId route() const { return setup_.route; }
    /// No message waits for its MAC.
    [[nodiscard]] bool quiet() const { return outgoing_.waiting() == 0 && incoming_.empty(); }

  private:
    struct Incoming {
        std::variant<IssuerReplyArrived, IssuerKeyOffered> event;
        hsm::Ticket ticket = 0;  // 0: its verdict is known
        std::uint32_t key_generation = 0;
        std::size_t key_tried = 0;
        MessageMac mac;
    };
    /// Our 0800 that awaits its 0810.
    struct OwnRequest {
        std::string code;  // DE70
        iso8583::Stan stan;
        iso8583::TransmissionTime transmission_time;
        iso8583::Instant deadline;
    };

    void frame_arrived(iso8583::Frame frame);
    void reply_arrived(const iso8583::FieldValues& fields);
    void key_offered(const iso8583::FieldValues& fields);
    void verify(std::variant<IssuerReplyArrived, IssuerKeyOffered> event);
    static void set_mac(Incoming& incoming, MacState state);
    void network_request_arrived(const iso8583::FieldValues& fields);
    void network_reply_arrived(const iso8583::FieldValues& fields);
    void send_network_request(std::string_view code, const iso8583::Now& now);
    void put(iso8583::FieldValues fields, IssuerMac mac);
    void ask_key(Incoming& incoming);
    void mac_verified(Incoming& incoming, const hsm::Reply& reply);
    void deliver();
    /// When the link is asked whether it lives, since requests stay unheard.
    [[nodiscard]] std::optional<iso8583::Instant> probe_due() const;
    void probe(const iso8583::Now& now);
    void check_outbox();
    void complain(std::string what);

    IssuerSessionSetup setup_;
    NextIssuerNumbers next_numbers_;
    FrameInput input_;
    iso8583::Message message_;  // reused: its memory
    OutgoingFrames outgoing_;
    std::deque<Incoming> incoming_;
    std::optional<OwnRequest> own_request_;
    std::vector<HsmAsk> asks_;
    std::vector<Event> events_;
    std::vector<std::string> complaints_;
    std::optional<std::string> closed_;
    bool signed_on_ = false;
    bool told_up_ = false;
    hsm::Ticket last_ticket_ = 0;
    std::uint32_t key_generation_ = 0;  // rises with install_keys()
    iso8583::Instant last_heard_;
    std::vector<iso8583::Instant> unheard_;  // when requests left since then; at most timeouts_max
    bool probing_ = false;                   // own_request_ asks whether the link lives
};

}  // namespace acquirer
