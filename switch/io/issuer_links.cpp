#include "switch/io/issuer_links.hpp"

#include <algorithm>

namespace acquirer {

using iso8583::ByteView;
using iso8583::Now;

namespace {

// SplitMix64's finaliser: spreads neighbouring numbers.
std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9U;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

}  // namespace

std::int32_t reconnect_delay_ms(std::int32_t first_ms, std::int32_t longest_ms, std::uint32_t attempt,
                                std::uint64_t salt) {
    std::int64_t delay = first_ms;
    for (std::uint32_t i = 1; i < attempt && delay < longest_ms; ++i) delay *= 2;
    delay = std::min<std::int64_t>(delay, longest_ms);
    const auto quarter = static_cast<std::uint64_t>(delay / 4 + 1);
    return static_cast<std::int32_t>(delay - static_cast<std::int64_t>(mix(salt * 1024 + attempt) % quarter));
}

IssuerLinks::IssuerLinks(Reactor& reactor, LinkHub& hub, Log& log, const ShellSetup& setup, Numbers numbers)
    : reactor_(reactor), hub_(hub), log_(log), setup_(setup), numbers_(std::move(numbers)) {}

void IssuerLinks::connect_all() {
    for (const IssuerPort& port : setup_.issuers) {
        for (const SocketAddress& address : port.addresses) {
            for (std::uint32_t i = 0; i < port.connections; ++i) {
                const std::size_t index = slots_.size();
                Slot& slot = slots_.emplace_back();
                slot.port = &port;
                slot.address = address;
                slot.retry = reactor_.alarm([this, index] { connect(index); });
            }
        }
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) connect(i);
}

void IssuerLinks::connect(std::size_t index) {
    if (stopped_) return;
    reactor_.connect(slots_[index].address, setup_.bounds.issuer_connect_timeout_ms,
                     [this, index](iso8583::Result<std::shared_ptr<Stream>> result) {
                         if (stopped_) return;
                         if (!result) return retry_later(index, result.error().what);
                         connected(index, std::move(*result));
                     });
}

void IssuerLinks::connected(std::size_t index, std::shared_ptr<Stream> stream) {
    Slot& slot = slots_[index];
    const IssuerPort& port = *slot.port;
    const Now now = hub_.now();
    IssuerSessionSetup setup;
    setup.link = hub_.new_link();
    setup.route = port.route;
    setup.dialect = port.dialect;
    setup.framing = port.framing;
    setup.mac = port.mac;
    setup.zaks = zaks_.at(port.route);
    setup.limits = port.limits;
    const LinkId id = setup.link;
    slot.session = std::make_unique<IssuerSession>(
        std::move(setup), [this, route = port.route](const Now& at) { return numbers_(route, at); });
    slot.stream = std::move(stream);
    slot.touched = false;
    slot.wakes_at.reset();
    by_link_[id.value] = index;
    slot.session->connected(now);
    slot.stream->start(*this, id.value, setup_.bounds.issuer_read_bytes);
    settle(slot, now);
}

void IssuerLinks::retry_later(std::size_t index, const std::string& why) {
    Slot& slot = slots_[index];
    ++slot.failures;
    const std::int32_t delay = reconnect_delay_ms(slot.port->reconnect_first_ms,
                                                  slot.port->reconnect_longest_ms, slot.failures, index);
    const Now now = hub_.now();
    log_.line(Severity::warning, "issuer_connection_lost",
              {{"route", slot.port->name},
               {"address", slot.address.str()},
               {"detail", why},
               {"retry_ms", std::to_string(delay)}},
              now);
    slot.retry->set(now.instant.plus_ms(delay));
}

IssuerLinks::Slot* IssuerLinks::find(LinkId link) {
    const auto at = by_link_.find(link.value);
    return at == by_link_.end() ? nullptr : &slots_[at->second];
}

void IssuerLinks::bytes_arrived(Stream& stream, ByteView bytes) {
    Slot* slot = find(LinkId{stream.tag()});
    if (slot == nullptr) return;
    const Now now = hub_.now();
    slot->session->bytes_arrived(bytes, now);
    settle(*slot, now);
}

void IssuerLinks::stream_ended(Stream& stream, const std::string& why) { close(LinkId{stream.tag()}, why); }

void IssuerLinks::send(const SendToIssuer& message) {
    Slot* slot = find(message.link);
    if (slot == nullptr) return;  // its IssuerLinkDown is in the inbox
    const Now now = hub_.now();
    slot->session->send(message, now);
    settle(*slot, now);
}

void IssuerLinks::install_keys(const InstallIssuerKeys& keys) {
    zaks_[keys.route] = keys.zaks;
    for (Slot& slot : slots_)
        if (slot.session && slot.port->route == keys.route) slot.session->install_keys(keys.zaks);
}

void IssuerLinks::hsm_answered(LinkId link, hsm::Ticket ticket, const hsm::Reply& reply) {
    Slot* slot = find(link);
    if (slot == nullptr) return;
    const Now now = hub_.now();
    slot->session->hsm_answered(ticket, reply, now);
    settle(*slot, now);
}

void IssuerLinks::pass_deadlines(LinkId link) {
    Slot* slot = find(link);
    if (slot == nullptr) return;
    const Now now = hub_.now();
    slot->wakes_at.reset();
    slot->session->pass_deadlines(now);
    settle(*slot, now);
}

void IssuerLinks::close(LinkId link, const std::string& reason) {
    Slot* slot = find(link);
    if (slot == nullptr) return;
    slot->session->close(reason);
    settle(*slot, hub_.now());
}

void IssuerLinks::settle(Slot& slot, const Now& now) {
    IssuerSession& session = *slot.session;
    answer_asks(session, hub_, now);
    for (Event& event : session.take_events()) {
        if (std::holds_alternative<IssuerLinkUp>(event)) {
            slot.failures = 0;
            log_.line(Severity::info, "issuer_signed_on",
                      {{"route", slot.port->name}, {"address", slot.address.str()}}, now);
        }
        if (!hub_.event_arrived(std::move(event))) session.close("more answers than can be stepped");
    }
    for (const std::string& complaint : session.take_complaints())
        log_.stranger_line("issuer_message_unusable", {{"route", slot.port->name}, {"detail", complaint}},
                           now);
    if ((session.closed() || !session.outbox().empty()) && !slot.touched) {
        slot.touched = true;
        hub_.touched(session.link());
    }
    const auto deadline = session.next_deadline();
    if (deadline && (!slot.wakes_at || *deadline < *slot.wakes_at)) {
        slot.wakes_at = deadline;
        hub_.wake_at(session.link(), *deadline);
    }
}

void IssuerLinks::flush(LinkId link) {
    Slot* slot = find(link);
    if (slot == nullptr) return;
    slot->touched = false;
    if (!slot->session->outbox().empty()) slot->stream->write(slot->session->outbox());
    if (slot->stream->unsent_bytes() > slot->port->limits.outbox_bytes_max) {
        slot->session->close("the issuer does not read");
        settle(*slot, hub_.now());
    }
    if (slot->session->closed()) drop(link);
}

void IssuerLinks::drop(LinkId link) {
    const std::size_t index = by_link_.at(link.value);
    Slot& slot = slots_[index];
    const std::string why = *slot.session->closed();
    // What a close() said after the last settle().
    for (Event& event : slot.session->take_events()) static_cast<void>(hub_.event_arrived(std::move(event)));
    by_link_.erase(link.value);
    slot.stream->close();
    slot.stream.reset();
    slot.session.reset();
    hub_.forget(link);
    if (!stopped_) retry_later(index, why);
}

void IssuerLinks::stop() {
    stopped_ = true;
    for (Slot& slot : slots_) {
        slot.retry->cancel();
        if (slot.stream) slot.stream->close();
    }
}

bool IssuerLinks::all_sent() const {
    return std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
        return !slot.session || (!slot.touched && slot.session->quiet() && slot.stream->unsent_bytes() == 0);
    });
}

std::vector<IssuerLinks::Status> IssuerLinks::status() const {
    std::vector<Status> out;
    for (const Slot& slot : slots_) {
        if (out.empty() || out.back().route != slot.port->name) out.push_back({slot.port->name, 0, 0});
        ++out.back().wanted;
        if (slot.session && slot.session->signed_on()) ++out.back().signed_on;
    }
    return out;
}

}  // namespace acquirer
