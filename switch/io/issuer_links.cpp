#include "switch/io/issuer_links.hpp"

#include <algorithm>

namespace acquirer {

using iso8583::ByteView;
using iso8583::Now;

IssuerLinks::IssuerLinks(Reactor& reactor, LinkHub& hub, Log& log, const ShellSetup& setup, Numbers numbers)
    : reactor_(reactor), hub_(hub), log_(log), setup_(setup), numbers_(std::move(numbers)) {}

void IssuerLinks::connect_all() {
    for (const IssuerPort& port : setup_.issuers)
        for (const SocketAddress& address : port.addresses)
            for (std::uint32_t i = 0; i < port.connections; ++i) want(port, address);
    for (const Slot& slot : slots_) slot.redial->connect();
}

void IssuerLinks::want(const IssuerPort& port, const SocketAddress& address) {
    const std::size_t index = slots_.size();
    Slot& slot = slots_.emplace_back();
    slot.port = &port;
    RedialSetup setup;
    setup.address = address;
    setup.channel = port.channel;
    setup.connect_timeout_ms = setup_.bounds.issuer_connect_timeout_ms;
    setup.first_ms = port.reconnect_first_ms;
    setup.longest_ms = port.reconnect_longest_ms;
    setup.salt = index;
    slot.redial = std::make_unique<Redial>(
        reactor_, std::move(setup),
        Redial::Calls{[this, index](std::shared_ptr<Stream> stream) { connected(index, std::move(stream)); },
                      [this, index](const std::string& why, std::int32_t ms) { failed(index, why, ms); }});
}

void IssuerLinks::connected(std::size_t index, std::shared_ptr<Stream> stream) {
    Slot& slot = slots_[index];
    const IssuerPort& port = *slot.port;
    const Now now = hub_.now();
    IssuerSessionSetup setup;
    setup.link = hub_.new_link();
    setup.route = port.route;
    setup.dialect = dialect_of(port, now);
    setup.framing = setup.dialect == port.dialect ? port.framing : setup.dialect->framing();
    setup.mac = port.mac;
    setup.zaks = zaks_.at(port.route);
    setup.limits = port.limits;
    const LinkId id = setup.link;
    slot.session = std::make_unique<IssuerSession>(
        std::move(setup), [this, route = port.route](const Now& at) { return numbers_(route, at); });
    slot.stream = std::move(stream);
    slot.told = {};
    by_link_[id.value] = index;
    slot.session->connected(now);
    slot.stream->start(*this, id.value, setup_.bounds.issuer_read_bytes);
    settle(slot, now);
}

const iso8583::Dialect* IssuerLinks::dialect_of(const IssuerPort& port, const Now& now) {
    const iso8583::Dialect*& spoken = spoken_.try_emplace(&port, port.dialect).first->second;
    const bool is_up = std::any_of(slots_.begin(), slots_.end(),
                                   [&](const Slot& s) { return s.port == &port && s.session != nullptr; });
    if (port.newest != nullptr && *port.newest != spoken && !is_up) {
        spoken = *port.newest;
        log_.line(Severity::info, "dialect_taken_over",
                  {{"route", port.name}, {"dialect", std::string(spoken->name())}}, now);
    }
    return spoken;
}

void IssuerLinks::failed(std::size_t index, const std::string& why, std::int32_t retry_ms) {
    const Slot& slot = slots_[index];
    log_.line(Severity::warning, "issuer_connection_lost",
              {{"route", slot.port->name},
               {"address", slot.redial->address().str()},
               {"detail", why},
               {"retry_ms", std::to_string(retry_ms)}},
              hub_.now());
}

IssuerLinks::Slot* IssuerLinks::find(LinkId link) {
    const auto at = by_link_.find(link.value);
    return at == by_link_.end() ? nullptr : &slots_[at->second];
}

template <typename Do>
void IssuerLinks::with(LinkId link, Do&& what) {
    Slot* slot = find(link);
    if (slot == nullptr) return;
    const Now now = hub_.now();
    what(*slot, now);
    settle(*slot, now);
}

void IssuerLinks::bytes_arrived(Stream& stream, ByteView bytes) {
    with(LinkId{stream.tag()}, [&](Slot& slot, const Now& now) { slot.session->bytes_arrived(bytes, now); });
}

void IssuerLinks::peer_finished(Stream& stream) { close(LinkId{stream.tag()}, peer_finished_reason); }

void IssuerLinks::stream_ended(Stream& stream, const std::string& why) { close(LinkId{stream.tag()}, why); }

void IssuerLinks::send(const SendToIssuer& message) {
    // Of a link that is gone the IssuerLinkDown is in the inbox.
    with(message.link, [&](Slot& slot, const Now& now) { slot.session->send(message, now); });
}

void IssuerLinks::install_keys(const InstallIssuerKeys& keys) {
    zaks_[keys.route] = keys.zaks;
    for (Slot& slot : slots_)
        if (slot.session && slot.port->route == keys.route) slot.session->install_keys(keys.zaks);
}

void IssuerLinks::hsm_answered(LinkId link, hsm::Ticket ticket, const hsm::Reply& reply) {
    with(link, [&](Slot& slot, const Now& now) { slot.session->hsm_answered(ticket, reply, now); });
}

void IssuerLinks::pass_deadlines(LinkId link) {
    with(link, [](Slot& slot, const Now& now) {
        slot.told.waking();
        slot.session->pass_deadlines(now);
    });
}

void IssuerLinks::close(LinkId link, const std::string& reason) {
    with(link, [&](Slot& slot, const Now&) { slot.session->close(reason); });
}

void IssuerLinks::settle(Slot& slot, const Now& now) {
    IssuerSession& session = *slot.session;
    answer_asks(session, hub_, now);
    for (Event& event : session.take_events()) {
        if (std::holds_alternative<IssuerLinkUp>(event)) {
            slot.redial->stands();
            log_.line(Severity::info, "issuer_signed_on",
                      {{"route", slot.port->name}, {"address", slot.redial->address().str()}}, now);
        }
        if (!hub_.event_arrived(std::move(event))) session.close("more answers than can be stepped");
    }
    for (const std::string& complaint : session.take_complaints())
        log_.stranger_line("issuer_message_unusable", slot.port->name,
                           {{"route", slot.port->name}, {"detail", complaint}}, now);
    if (session.closed() || !session.outbox().empty()) slot.told.touch(hub_, session.link());
    slot.told.wake(hub_, session.link(), session.next_deadline());
}

void IssuerLinks::flush(LinkId link) {
    Slot* slot = find(link);
    if (slot == nullptr) return;
    slot->told.flushing();
    if (!slot->session->outbox().empty()) slot->stream->write(slot->session->outbox());
    if (slot->stream->unsent_bytes() > slot->port->limits.outbox_bytes_max) {
        slot->session->close("the issuer does not read");
        settle(*slot, hub_.now());
    }
    if (slot->session->closed()) drop(link);
}

void IssuerLinks::drop(LinkId link) {
    Slot& slot = slots_[by_link_.at(link.value)];
    const std::string why = *slot.session->closed();
    // What a close() said after the last settle().
    for (Event& event : slot.session->take_events()) static_cast<void>(hub_.event_arrived(std::move(event)));
    by_link_.erase(link.value);
    slot.stream->close();
    slot.stream.reset();
    slot.session.reset();
    hub_.forget(link);
    slot.redial->lost(why);
}

void IssuerLinks::stop() {
    for (Slot& slot : slots_) {
        slot.redial->stop();
        if (slot.stream) slot.stream->close();
    }
}

bool IssuerLinks::all_sent() const {
    return std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
        return !slot.session ||
               (!slot.told.touched() && slot.session->quiet() && slot.stream->unsent_bytes() == 0);
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
