#include "switch/sessions/issuer_session.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using iso8583::Field;
using iso8583::FieldValues;
using iso8583::Mti;
using iso8583::Now;

namespace {

constexpr int class_network_management = 8;

// DE70, docs/wire.md.
constexpr std::string_view code_sign_on = "001";
constexpr std::string_view code_sign_off = "002";
constexpr std::string_view code_echo = "301";

/// An 08xx that changes a key is the core's affair and carries a MAC; the others are the session's.
bool is_key_change(const FieldValues& fields) {
    return fields.mti().message_class() == class_network_management &&
           fields.get(Field::network_management_code) == key_change_code;
}

constexpr std::string_view answer_approved = "00";
constexpr std::string_view answer_not_supported = "40";

}  // namespace

IssuerSession::IssuerSession(IssuerSessionSetup setup, NextIssuerNumbers next_numbers)
    : setup_(std::move(setup)),
      next_numbers_(std::move(next_numbers)),
      input_(setup_.framing, setup_.limits.input),
      outgoing_(*setup_.dialect, setup_.framing) {
    ENSURE(!setup_.zaks.empty());
}

void IssuerSession::close(std::string reason) {
    if (closed_) return;
    closed_ = std::move(reason);
    signed_on_ = false;
    // Told even if the link never came up: the core may have been asked to send on it.
    if (told_up_) events_.push_back(IssuerLinkDown{setup_.route, setup_.link, *closed_});
}

void IssuerSession::connected(const Now& now) {
    last_heard_ = now.instant;
    send_network_request(code_sign_on, now);
}

void IssuerSession::send_network_request(std::string_view code, const Now& now) {
    const auto [stan, transmission_time] = next_numbers_(now);
    FieldValues fields(Mti::of(800));
    fields.set(Field::transmission_time, transmission_time.str());
    fields.set(Field::stan, stan.str());
    fields.set(Field::network_management_code, code);
    own_request_ = OwnRequest{std::string(code), stan, transmission_time,
                              now.instant.plus_ms(setup_.limits.network_reply_timeout_ms)};
    put(std::move(fields), IssuerMac::without);
}

void IssuerSession::put(FieldValues fields, IssuerMac mac) {
    std::optional<MacKey> key;
    if (mac == IssuerMac::with) key = MacKey{hsm::KeyKind::zak, setup_.zaks.front(), setup_.mac};
    const auto fault = outgoing_.add(std::move(fields), {}, key, ++last_ticket_, asks_);
    if (fault) return close("a message cannot be written in this route's dialect: " + *fault);
    check_outbox();
}

void IssuerSession::send(const SendToIssuer& message, const Now& now) {
    if (closed_ || !signed_on_) return;
    if (unheard_.size() < setup_.limits.timeouts_max) unheard_.push_back(now.instant);
    put(message.fields, message.mac);
}

void IssuerSession::install_keys(std::vector<hsm::KeyBlock> zaks) {
    ENSURE(!zaks.empty());
    setup_.zaks = std::move(zaks);
    ++key_generation_;
}

void IssuerSession::bytes_arrived(iso8583::ByteView bytes, const Now& now) {
    if (closed_) return;
    last_heard_ = now.instant;
    unheard_.clear();
    // It lives: what asked it has as long as any.
    if (std::exchange(probing_, false) && own_request_)
        own_request_->deadline = now.instant.plus_ms(setup_.limits.network_reply_timeout_ms);
    input_.feed(bytes);
    while (!closed_) {
        auto next = input_.next(now);
        if (!next) break;
        if (!*next) return close(std::move(next->error()));
        frame_arrived(std::move(**next));
    }
    deliver();
}

void IssuerSession::frame_arrived(iso8583::Frame frame) {
    if (const auto error = iso8583::decode_into(*setup_.dialect, frame.body, message_))
        return complain("a message does not decode: " + error->str());
    const Mti mti = message_.mti();
    if (!mti.is_request() && !mti.is_response())
        return close("an MTI that is neither request nor response, " + mti.str());
    const FieldValues fields = message_.values();
    if (is_key_change(fields)) return mti.is_response() ? reply_arrived(fields) : key_offered(fields);
    if (mti.message_class() == class_network_management)
        return mti.is_response() ? network_reply_arrived(fields) : network_request_arrived(fields);
    if (!mti.is_response()) return complain("an issuer sent a request, " + mti.str());
    reply_arrived(fields);
}

void IssuerSession::reply_arrived(const FieldValues& fields) {
    auto reply = parse_issuer_reply(fields);
    if (!reply) return complain("an answer without DE7 or DE11 matches nothing, " + fields.mti().str());
    verify(IssuerReplyArrived{setup_.route, setup_.link, std::move(*reply), MacState::missing});
}

void IssuerSession::key_offered(const FieldValues& fields) {
    verify(IssuerKeyOffered{setup_.route, setup_.link, fields, MacState::missing});
}

void IssuerSession::set_mac(Incoming& incoming, MacState state) {
    std::visit([state](auto& event) { event.mac = state; }, incoming.event);
}

/// Of the message just decoded.
void IssuerSession::verify(std::variant<IssuerReplyArrived, IssuerKeyOffered> event) {
    if (incoming_.size() >= setup_.limits.verifying_max)
        return close("more than " + std::to_string(setup_.limits.verifying_max) +
                     " answers wait for the HSM");
    incoming_.emplace_back();
    Incoming& incoming = incoming_.back();
    incoming.event = std::move(event);
    auto mac = closing_mac(message_);
    if (!mac) return;
    incoming.mac = std::move(*mac);
    incoming.key_generation = key_generation_;
    ask_key(incoming);
}

void IssuerSession::ask_key(Incoming& incoming) {
    incoming.ticket = ++last_ticket_;
    asks_.push_back({incoming.ticket, hsm::VerifyMac{hsm::KeyKind::zak, setup_.zaks[incoming.key_tried],
                                                     setup_.mac, incoming.mac.input, incoming.mac.mac}});
}

void IssuerSession::hsm_answered(hsm::Ticket ticket, const hsm::Reply& reply, const Now&) {
    if (closed_) return;
    switch (outgoing_.mac_answered(ticket, reply)) {
        case OutgoingFrames::Answer::taken:
            return;
        // What stood behind it cannot leave either: the core learns that this link carries nothing more.
        case OutgoingFrames::Answer::hsm_failed:
            return close("the HSM could not make the MAC of a request");
        case OutgoingFrames::Answer::not_mine:
            break;
    }
    for (Incoming& incoming : incoming_) {
        if (incoming.ticket != ticket) continue;
        mac_verified(incoming, reply);
        return deliver();
    }
}

void IssuerSession::mac_verified(Incoming& incoming, const hsm::Reply& reply) {
    incoming.ticket = 0;
    const auto* verified = reply ? std::get_if<hsm::MacVerified>(&*reply) : nullptr;
    const bool says_wrong = verified != nullptr
                                ? !verified->matches
                                : !reply && reply.error() == hsm::HsmFault::verification_failed;
    if (verified == nullptr && !says_wrong) {
        set_mac(incoming, MacState::hsm_down);
    } else if (!says_wrong) {
        set_mac(incoming, MacState::verified);
    } else if (std::exchange(incoming.key_generation, key_generation_) != key_generation_) {
        incoming.key_tried = 0;  // keys were changed while the HSM was asked: all of them once more
        return ask_key(incoming);
    } else if (++incoming.key_tried < setup_.zaks.size()) {
        return ask_key(incoming);
    } else {
        set_mac(incoming, MacState::wrong);
    }
    iso8583::zeroise(incoming.mac.input.data(), incoming.mac.input.size());
}

void IssuerSession::deliver() {
    if (closed_) return;
    while (!incoming_.empty() && incoming_.front().ticket == 0) {
        std::visit([this](auto& event) { events_.emplace_back(std::move(event)); }, incoming_.front().event);
        incoming_.pop_front();
    }
}

void IssuerSession::network_reply_arrived(const FieldValues& fields) {
    const bool ours = own_request_ && fields.get(Field::stan) == own_request_->stan.str() &&
                      fields.get(Field::transmission_time) == own_request_->transmission_time.str();
    if (!ours) return complain("an answer to no 0800 of ours, " + fields.mti().str());
    const std::string code = std::exchange(own_request_, std::nullopt)->code;
    const bool approved = fields.get(Field::response_code) == answer_approved;
    if (code == code_sign_on) {
        if (!approved)
            return close("sign-on refused with DE39 " + std::string(fields.get(Field::response_code)));
        signed_on_ = true;
        told_up_ = true;
        events_.push_back(IssuerLinkUp{setup_.route, setup_.link});
    } else if (!approved) {
        // An issuer that refuses an echo has lost our sign-on.
        close("echo refused with DE39 " + std::string(fields.get(Field::response_code)));
    }
}

void IssuerSession::network_request_arrived(const FieldValues& fields) {
    const std::string_view code = fields.get(Field::network_management_code);
    const bool known = code == code_sign_on || code == code_echo || code == code_sign_off;
    const auto response = fields.mti().response();
    if (!response) return complain("an 08xx that is no request, " + fields.mti().str());
    FieldValues answer(*response);
    for (const Field echoed : {Field::transmission_time, Field::stan, Field::acquirer_institution,
                               Field::forwarding_institution, Field::network_management_code})
        if (fields.has(echoed)) answer.set(echoed, fields.get(echoed));
    answer.set(Field::response_code, known ? answer_approved : answer_not_supported);
    put(std::move(answer), IssuerMac::without);
    if (!known) return complain("an 0800 with DE70 " + std::string(code) + " is not supported");
    // After its sign-off nothing may be sent; a new connection signs on again.
    if (code == code_sign_off) close("the issuer signed off");
}

void IssuerSession::complain(std::string what) {
    if (complaints_.size() < setup_.limits.complaints_max) complaints_.push_back(std::move(what));
}

std::optional<iso8583::Instant> IssuerSession::probe_due() const {
    const bool all_unheard = unheard_.size() == setup_.limits.timeouts_max && !unheard_.empty();
    if (setup_.limits.request_timeout_ms == 0 || probing_ || !all_unheard) return std::nullopt;
    return unheard_.back().plus_ms(setup_.limits.request_timeout_ms);
}

void IssuerSession::probe(const Now& now) {
    probing_ = true;
    if (!own_request_) send_network_request(code_echo, now);
    if (closed_) return;
    const iso8583::Instant until = now.instant.plus_ms(setup_.limits.probe_timeout_ms);
    own_request_->deadline = std::min(own_request_->deadline, until);
}

std::optional<iso8583::Instant> IssuerSession::next_deadline() const {
    if (closed_) return std::nullopt;
    iso8583::Instant first =
        own_request_ ? own_request_->deadline : last_heard_.plus_ms(setup_.limits.echo_after_ms);
    first = std::min(first, probe_due().value_or(first));
    return std::min(first, input_.deadline().value_or(first));
}

void IssuerSession::pass_deadlines(const Now& now) {
    if (closed_) return;
    if (own_request_ && own_request_->deadline <= now.instant && probing_)
        return close(std::to_string(unheard_.size()) +
                     " requests in a row without an answer, nor to an echo within " +
                     std::to_string(setup_.limits.probe_timeout_ms) + " ms");
    if (own_request_ && own_request_->deadline <= now.instant)
        return close("no answer to an 0800 with DE70 " + own_request_->code + " within " +
                     std::to_string(setup_.limits.network_reply_timeout_ms) + " ms");
    if (auto overdue = input_.overdue(now)) return close(std::move(*overdue));
    if (const auto due = probe_due(); due && *due <= now.instant) return probe(now);
    if (!own_request_ && last_heard_.plus_ms(setup_.limits.echo_after_ms) <= now.instant)
        send_network_request(code_echo, now);
}

void IssuerSession::check_outbox() {
    if (outgoing_.ready().size() > setup_.limits.outbox_bytes_max)
        close("more than " + std::to_string(setup_.limits.outbox_bytes_max) +
              " bytes of requests are not taken");
}

}  // namespace acquirer
