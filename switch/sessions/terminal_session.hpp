// TerminalSession: one terminal connection. Bytes become frames, frames messages, messages RequestArrived
// with a verdict on their MAC; replies of the core become bytes. Knows nothing of sockets, clocks and money.
//
//     bytes_arrived → take_asks → (HSM) → hsm_answered → take_requests → (core) → send → take_asks → … →
//     outbox
//
// Requests reach the core and replies reach the wire in the order in which they came, also when the HSM
// answers out of order. After `closed()` says why, everything is ignored; the owner drops the connection.
//
// Owner: the shell, or the simulator. The dialect, the key table and the configuration pointer outlive it;
// the two latter may change between calls. Thread: the core's. Bounds: TerminalSessionLimits. Source:
// docs/wire.md; refund_rules.md R40, R64.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/dialect.hpp"
#include "switch/core/configuration.hpp"
#include "switch/core/effect.hpp"
#include "switch/core/event.hpp"
#include "switch/core/terminal_keys.hpp"
#include "switch/sessions/frame_input.hpp"
#include "switch/sessions/message_mac.hpp"
#include "switch/sessions/outgoing_frames.hpp"

namespace acquirer {

struct TerminalSessionLimits {
    FrameInputLimits input;
    /// A connection without a byte and without a request in work is closed after this.
    std::int32_t idle_timeout_ms = 1'800'000;
    /// A connection on which no MAC has verified for so long since it was opened is closed.
    std::int32_t unverified_timeout_ms = 1'800'000;
    /// A request that got no answer (refund_rules.md allows that) stops counting as outstanding after this.
    std::int32_t request_forgotten_ms = 60'000;
    /// Requests of one connection that are being verified or await their answer.
    std::size_t requests_outstanding_max = 4'096;
    /// Framed replies that the socket has not taken yet; a peer that does not read is closed.
    std::size_t outbox_bytes_max = 1U << 20;
    /// Terminals of which this connection remembers that they verified on it; those of more sign off by MAC.
    std::size_t verified_terminals_max = 4'096;
};

struct TerminalSessionSetup {
    LinkId link;
    PeerAddress peer;
    Profile profile = Profile::unionpay_pos;
    const iso8583::Dialect* dialect = nullptr;
    iso8583::FramingSpec framing;
    TerminalSessionLimits limits;
    /// Whether the peer has shown a certificate of one of these names; without it: it has shown none.
    std::function<bool(const std::vector<std::string>&)> peer_has_one_of{};
};

class TerminalSession {
  public:
    TerminalSession(const TerminalSessionSetup& setup, const TerminalKeyTable& keys,
                    const ConfigurationPtr& configuration, const iso8583::Now& now);

    void bytes_arrived(iso8583::ByteView bytes, const iso8583::Now& now);
    void hsm_answered(hsm::Ticket ticket, const hsm::Reply& reply, const iso8583::Now& now);
    void send(const SendReply& reply, const iso8583::Now& now);
    void pass_deadlines(const iso8583::Now& now);
    /// May move later without notice; the owner asks again when it falls due.
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const;
    void close(std::string reason);

    /// Questions to the HSM since the last call.
    [[nodiscard]] std::vector<HsmAsk> take_asks() { return std::exchange(asks_, {}); }
    [[nodiscard]] bool has_asks() const { return !asks_.empty(); }
    /// Requests whose MAC verdict is known, in order of arrival.
    [[nodiscard]] std::vector<RequestArrived> take_requests() { return std::exchange(requests_, {}); }
    /// Framed bytes for the socket; the owner takes them out.
    [[nodiscard]] iso8583::Bytes& outbox() { return outgoing_.ready(); }
    /// Why the connection must be closed; nothing while it lives.
    [[nodiscard]] const std::optional<std::string>& closed() const { return closed_; }
    [[nodiscard]] LinkId link() const { return setup_.link; }
    /// A MAC has verified on this connection: it is no stranger's, or a stranger's who sends again what he
    /// has overheard.
    [[nodiscard]] bool has_verified() const { return has_verified_; }
    /// The terminal that it spoke for, though its certificate is of nobody who may.
    [[nodiscard]] const std::optional<iso8583::TerminalId>& spoke_for() const { return spoke_for_; }
    /// It was closed for what its peer sent, and not for time, answers or the peer's own end.
    [[nodiscard]] bool peer_was_wrong() const { return peer_was_wrong_; }
    /// No request is being verified, none awaits its answer and no reply waits for its MAC (for draining).
    [[nodiscard]] bool quiet() const {
        return incoming_.empty() && outstanding_.empty() && outgoing_.waiting() == 0;
    }
    /// No reply waits for its MAC.
    [[nodiscard]] bool replies_sent() const { return outgoing_.waiting() == 0; }

  private:
    struct Candidate {
        std::uint32_t version = 0;
        hsm::KeyBlock key;
        bool asked_here = false;  // on this connection
    };
    /// A request whose MAC is being verified, or that waits behind one.
    struct Incoming {
        RequestArrived event;
        hsm::Ticket ticket = 0;  // 0: its verdict is known
        std::vector<Candidate> candidates;
        std::size_t tried = 0;
        MessageMac mac;
    };

    void frame_arrived(iso8583::Frame frame, const iso8583::Now& now);
    bool is_only_amount_bad() const;
    std::vector<Candidate> candidates_for(Incoming& incoming) const;
    [[nodiscard]] bool may_speak_for(const iso8583::TerminalId& terminal) const;
    void judge_mac(Incoming& incoming);
    void ask_next_candidate(Incoming& incoming);
    void mac_verified(Incoming& incoming, const hsm::Reply& reply);
    void deliver();
    void refuse(std::string reason);
    [[nodiscard]] iso8583::Instant patience_ends() const;
    void check_outbox();
    void forget_old_requests(const iso8583::Now& now);

    TerminalSessionSetup setup_;
    const TerminalKeyTable& keys_;
    const ConfigurationPtr& configuration_;
    FrameInput input_;
    iso8583::Message message_;  // reused: its memory
    OutgoingFrames outgoing_;
    std::deque<Incoming> incoming_;
    std::deque<iso8583::Instant> outstanding_;  // when each request without an answer came
    std::vector<HsmAsk> asks_;
    std::vector<RequestArrived> requests_;
    std::optional<std::string> closed_;
    hsm::Ticket last_ticket_ = 0;
    iso8583::Instant opened_, last_activity_;
    bool has_verified_ = false;
    bool peer_was_wrong_ = false;
    std::optional<iso8583::TerminalId> spoke_for_;
    std::set<iso8583::TerminalId> verified_here_;
};

}  // namespace acquirer
