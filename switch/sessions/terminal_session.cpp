#include "switch/sessions/terminal_session.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using iso8583::Field;
using iso8583::Now;

namespace {

constexpr int class_network_management = 8;

// The processing requirement is the sixth digit of the UnionPay header: application class 2, software version
// 2, terminal state 1, processing requirement 1, six more (docs/wire.md).
constexpr std::size_t processing_requirement_byte = 2;
constexpr std::uint8_t sign_on_again_digit = 3;

iso8583::Bytes bytes_of(std::string_view text) {
    const iso8583::ByteView view = iso8583::as_bytes(text);
    return {view.begin(), view.end()};
}

iso8583::Frame reply_envelope(const SendReply& reply) {
    iso8583::Frame frame;
    if (!reply.to.tpdu.empty()) frame.tpdu = iso8583::swapped_tpdu(iso8583::as_bytes(reply.to.tpdu.view()));
    frame.header = bytes_of(reply.to.header.view());
    if (reply.to.profile == Profile::unionpay_pos && frame.header.size() > processing_requirement_byte) {
        std::uint8_t& byte = frame.header[processing_requirement_byte];
        byte = static_cast<std::uint8_t>((byte & 0xF0) | (reply.sign_on_again ? sign_on_again_digit : 0));
    }
    return frame;
}

}  // namespace

TerminalSession::TerminalSession(const TerminalSessionSetup& setup, const TerminalKeyTable& keys,
                                 const ConfigurationPtr& configuration, const Now& now)
    : setup_(setup),
      keys_(keys),
      configuration_(configuration),
      input_(setup.framing, setup.limits.input),
      outgoing_(*setup.dialect, setup.framing),
      opened_(now.instant),
      last_activity_(now.instant) {}

void TerminalSession::close(std::string reason) {
    if (!closed_) closed_ = std::move(reason);
}

/// Closed for what the peer sent.
void TerminalSession::refuse(std::string reason) {
    if (closed_) return;
    peer_was_wrong_ = true;
    close(std::move(reason));
}

void TerminalSession::bytes_arrived(iso8583::ByteView bytes, const Now& now) {
    if (closed_) return;
    last_activity_ = now.instant;
    forget_old_requests(now);
    input_.feed(bytes);
    while (!closed_) {
        auto next = input_.next(now);
        if (!next) break;
        if (!*next) return refuse(std::move(next->error()));
        frame_arrived(std::move(**next), now);
    }
    deliver();
}

void TerminalSession::frame_arrived(iso8583::Frame frame, const Now& now) {
    if (outstanding_.size() >= setup_.limits.requests_outstanding_max)
        return close("more than " + std::to_string(setup_.limits.requests_outstanding_max) +
                     " requests without an answer on one connection");
    DecodeFault fault;
    if (const auto error = iso8583::decode_into(*setup_.dialect, frame.body, message_)) {
        fault = {error->str(), is_only_amount_bad()};
    }
    if (!message_.mti().is_request())
        return refuse("a terminal sent no request, MTI " + message_.mti().str());
    auto request = parse_terminal_request(setup_.profile, message_.values(), fault, configuration_->currency,
                                          configuration_->wallet_wire);
    if (!request)
        return refuse("a message without MTI, DE11, DE41 or DE42 cannot be answered: " + fault.text);
    if (!may_speak_for(request->terminal)) {
        spoke_for_ = request->terminal;
        return refuse("its certificate may not speak for terminal " + request->terminal.str());
    }
    incoming_.emplace_back();
    Incoming& incoming = incoming_.back();
    incoming.event.request = std::move(*request);
    ReplyAddress& from = incoming.event.from;
    from.link = setup_.link;
    from.peer = setup_.peer;
    from.profile = setup_.profile;
    from.tpdu = iso8583::FixedText<5>(iso8583::as_text(frame.tpdu));
    from.header = iso8583::FixedText<6>(iso8583::as_text(frame.header));
    outstanding_.push_back(now.instant);
    judge_mac(incoming);
}

/// A MAC says which terminal made a message, the certificate who brings it: where a range names certificates,
/// another one's connection is no way for its messages, not even for those that were overheard and sent
/// again.
bool TerminalSession::may_speak_for(const iso8583::TerminalId& terminal) const {
    const TerminalRange* range = configuration_->find_terminal(terminal);
    if (range == nullptr || range->certificate_names.empty()) return true;
    return setup_.peer_has_one_of && setup_.peer_has_one_of(range->certificate_names);
}

// The strict decoder names the first fault only. Read again with content faults as warnings, and the list is
// whole.
bool TerminalSession::is_only_amount_bad() const {
    std::vector<iso8583::CodecError> warnings;
    const iso8583::DecodeOptions options{true, &warnings};
    iso8583::Bytes again(message_.body().begin(), message_.body().end());
    const auto read = iso8583::decode(*setup_.dialect, std::move(again), options);
    return read && !warnings.empty() &&
           std::all_of(warnings.begin(), warnings.end(), [](const iso8583::CodecError& w) {
               return w.field == iso8583::number(Field::amount_transaction);
           });
}

// The keys that a MAC may be made with, in the order in which they are tried: what was asked for on this
// connection, the proven one, then what others asked for. Fills the reply's MAC profile.
std::vector<TerminalSession::Candidate> TerminalSession::candidates_for(Incoming& incoming) const {
    std::vector<Candidate> candidates;
    const iso8583::TerminalId& terminal = incoming.event.request.terminal;
    ReplyAddress& from = incoming.event.from;
    const TerminalRange* range = configuration_->find_terminal(terminal);
    if (range == nullptr || range->profile != setup_.profile) return candidates;
    from.mac_profile = range->mac;
    if (const TerminalKeySet* set = keys_.find(terminal)) {
        const auto add = [&](auto&& wanted) {
            for (const TerminalKeyVersion& v : set->versions)
                // A key of another algorithm was made before the range's was changed: the terminal signs on.
                if (!v.mac_key.empty() && wanted(v) &&
                    v.mac_key.is_aes() == (range->mac.algorithm == hsm::MacAlgorithm::aes_cmac))
                    candidates.push_back({v.version, v.mac_key, v.asked_on == setup_.link.value});
        };
        const auto is_proven = [&](const TerminalKeyVersion& v) { return v.version == set->proven_version; };
        const auto is_ours = [&](const TerminalKeyVersion& v) { return v.asked_on == setup_.link.value; };
        add([&](const TerminalKeyVersion& v) { return !is_proven(v) && is_ours(v); });
        add(is_proven);
        add([&](const TerminalKeyVersion& v) { return !is_proven(v) && !is_ours(v); });
    }
    if (candidates.empty() && !range->tak.empty()) candidates.push_back({0, range->tak, false});
    return candidates;
}

void TerminalSession::judge_mac(Incoming& incoming) {
    RequestArrived& event = incoming.event;
    const bool network = message_.mti().message_class() == class_network_management;
    const bool has_mac = closing_mac_field(message_.present()).has_value();
    // Sign-on and echo carry no MAC; one that is there is checked in the ISO profile, and that of a sign-off
    // in both: it tells the terminal's own from a stranger's.
    const bool is_checked =
        has_mac && (setup_.profile == Profile::iso87 || event.request.kind == RequestKind::sign_off);
    if (network && !is_checked) {
        event.mac = MacState::not_needed;
        return;
    }
    incoming.candidates = candidates_for(incoming);
    if (incoming.candidates.empty()) {
        event.mac = MacState::no_key;
        return;
    }
    // A message that did not decode whole is answered 30 whatever its MAC says: there is nothing to verify.
    if (!has_mac || !event.request.format_fault.empty()) {
        event.mac = MacState::missing;
        return;
    }
    auto mac = closing_mac(message_);
    if (!mac) {
        event.mac = MacState::wrong;
        return;
    }
    incoming.mac = std::move(*mac);
    ask_next_candidate(incoming);
}

void TerminalSession::ask_next_candidate(Incoming& incoming) {
    const Candidate& candidate = incoming.candidates[incoming.tried];
    incoming.ticket = ++last_ticket_;
    asks_.push_back(
        {incoming.ticket, hsm::VerifyMac{hsm::KeyKind::tak, candidate.key, incoming.event.from.mac_profile,
                                         incoming.mac.input, incoming.mac.mac}});
}

void TerminalSession::hsm_answered(hsm::Ticket ticket, const hsm::Reply& reply, const Now&) {
    if (closed_) return;
    switch (outgoing_.mac_answered(ticket, reply)) {
        case OutgoingFrames::Answer::taken:
            return;
        case OutgoingFrames::Answer::hsm_failed:
            // R64: the stored answer stands, the terminal repeats on a new connection.
            return close("the HSM could not make the MAC of an answer");
        case OutgoingFrames::Answer::not_mine:
            break;
    }
    for (Incoming& incoming : incoming_) {
        if (incoming.ticket != ticket) continue;
        mac_verified(incoming, reply);
        return deliver();
    }
}

void TerminalSession::mac_verified(Incoming& incoming, const hsm::Reply& reply) {
    RequestArrived& event = incoming.event;
    incoming.ticket = 0;
    const auto* verified = reply ? std::get_if<hsm::MacVerified>(&*reply) : nullptr;
    const bool says_wrong = verified != nullptr
                                ? !verified->matches
                                : !reply && reply.error() == hsm::HsmFault::verification_failed;
    if (verified == nullptr && !says_wrong) {
        // Any other fault is ours and says nothing about the terminal's MAC (R64).
        event.mac = MacState::hsm_down;
    } else if (!says_wrong) {
        const Candidate& candidate = incoming.candidates[incoming.tried];
        event.mac = MacState::verified;
        event.key_version = candidate.version;
        event.from.mac_key = candidate.key;
    } else if (++incoming.tried < incoming.candidates.size()) {
        return ask_next_candidate(incoming);
    } else {
        event.mac = MacState::wrong;
    }
    iso8583::zeroise(incoming.mac.input.data(), incoming.mac.input.size());
}

void TerminalSession::deliver() {
    if (closed_) return;
    while (!incoming_.empty() && incoming_.front().ticket == 0) {
        RequestArrived& event = incoming_.front().event;
        const iso8583::TerminalId& terminal = event.request.terminal;
        // Only what came under keys that were asked for here tells the terminal from somebody who sends its
        // message once more.
        const Incoming& front = incoming_.front();
        if (event.mac == MacState::verified && front.candidates[front.tried].asked_here &&
            verified_here_.size() < setup_.limits.verified_terminals_max)
            verified_here_.insert(terminal);
        has_verified_ = has_verified_ || event.mac == MacState::verified;
        event.verified_here = event.mac == MacState::verified || verified_here_.contains(terminal);
        requests_.push_back(std::move(event));
        incoming_.pop_front();
    }
}

void TerminalSession::send(const SendReply& reply, const Now& now) {
    if (closed_) return;
    last_activity_ = now.instant;
    if (!outstanding_.empty()) outstanding_.pop_front();
    std::optional<MacKey> key;
    if (!reply.to.mac_key.empty()) key = MacKey{hsm::KeyKind::tak, reply.to.mac_key, reply.to.mac_profile};
    const auto fault = outgoing_.add(reply.fields, reply_envelope(reply), key, ++last_ticket_, asks_);
    if (fault) return close("an answer cannot be written in this dialect: " + *fault);
    check_outbox();
}

void TerminalSession::forget_old_requests(const Now& now) {
    while (!outstanding_.empty() &&
           outstanding_.front().plus_ms(setup_.limits.request_forgotten_ms) <= now.instant)
        outstanding_.pop_front();
}

/// When a connection that nothing happens on is closed.
iso8583::Instant TerminalSession::patience_ends() const {
    const iso8583::Instant idle = last_activity_.plus_ms(setup_.limits.idle_timeout_ms);
    return has_verified_ ? idle : std::min(idle, opened_.plus_ms(setup_.limits.unverified_timeout_ms));
}

std::optional<iso8583::Instant> TerminalSession::next_deadline() const {
    if (closed_) return std::nullopt;
    iso8583::Instant first = patience_ends();
    if (!outstanding_.empty())
        first = std::max(first, outstanding_.back().plus_ms(setup_.limits.request_forgotten_ms));
    return std::min(first, input_.deadline().value_or(first));
}

void TerminalSession::pass_deadlines(const Now& now) {
    if (closed_) return;
    forget_old_requests(now);
    if (auto overdue = input_.overdue(now)) return refuse(std::move(*overdue));
    if (!outstanding_.empty() || !incoming_.empty() || patience_ends() > now.instant) return;
    if (last_activity_.plus_ms(setup_.limits.idle_timeout_ms) <= now.instant)
        close("idle for " + std::to_string(setup_.limits.idle_timeout_ms) + " ms");
    else
        close("no MAC has verified within " + std::to_string(setup_.limits.unverified_timeout_ms) + " ms");
}

void TerminalSession::check_outbox() {
    if (outgoing_.ready().size() > setup_.limits.outbox_bytes_max)
        close("more than " + std::to_string(setup_.limits.outbox_bytes_max) +
              " bytes of answers are not taken");
}

}  // namespace acquirer
