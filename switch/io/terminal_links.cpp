#include "switch/io/terminal_links.hpp"

#include <algorithm>

namespace acquirer {

using iso8583::ByteView;
using iso8583::Now;

TerminalLinks::TerminalLinks(Reactor& reactor, LinkHub& hub, Log& log, const ShellSetup& setup,
                             const TerminalKeyTable& keys, const ConfigurationPtr& configuration)
    : reactor_(reactor), hub_(hub), log_(log), setup_(setup), keys_(keys), configuration_(configuration) {}

iso8583::Result<std::vector<std::string>> TerminalLinks::listen() {
    std::vector<std::string> addresses;
    for (const TerminalPort& port : setup_.terminals) {
        auto listener = reactor_.listen(port.address, [this, &port](std::shared_ptr<Stream> stream) {
            accepted(port, std::move(stream));
        });
        if (!listener) return tl::unexpected(listener.error());
        addresses.push_back((*listener)->address());
        listeners_.push_back(std::move(*listener));
    }
    return addresses;
}

namespace {

/// "192.0.2.7:31000" or "[2001:db8::7]:31000" without its port.
PeerAddress address_of(const std::string& peer) {
    std::string_view address = std::string_view(peer).substr(0, peer.rfind(':'));
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    return PeerAddress(address.substr(0, PeerAddress::size_max));
}

}  // namespace

void TerminalLinks::accepted(const TerminalPort& port, std::shared_ptr<Stream> stream) {
    const Now now = hub_.now();
    if (links_.size() >= setup_.bounds.terminal_links_max) {
        ++rejected_;
        log_.stranger_line("link_rejected",
                           {{"peer", stream->peer()}, {"detail", "as many terminal connections as allowed"}},
                           now);
        return stream->close();
    }
    ++accepted_;
    const LinkId id = hub_.new_link();
    auto link =
        std::make_unique<Link>(TerminalSessionSetup{id, address_of(stream->peer()), port.profile,
                                                    port.dialect, port.framing, setup_.terminal_limits},
                               keys_, configuration_, now);
    link->stream = std::move(stream);
    Link& there = *link;
    links_.emplace(id.value, std::move(link));
    settle(there, now);
    there.stream->start(*this, id.value, setup_.bounds.terminal_read_bytes);
}

TerminalLinks::Link* TerminalLinks::find(LinkId link) {
    const auto at = links_.find(link.value);
    return at == links_.end() ? nullptr : at->second.get();
}

void TerminalLinks::bytes_arrived(Stream& stream, ByteView bytes) {
    const LinkId id{stream.tag()};
    Link* link = find(id);
    if (link == nullptr) return;
    if (!hub_.terminals_may_speak()) {
        // At most one read's worth is kept here; the rest waits in the kernel and in the peer.
        link->held.insert(link->held.end(), bytes.begin(), bytes.end());
        stream.pause_reading();
        held_back_.push_back(id);
        return;
    }
    const Now now = hub_.now();
    link->session.bytes_arrived(bytes, now);
    settle(*link, now);
}

void TerminalLinks::resume_reading() {
    std::vector<LinkId> waiting;
    waiting.swap(held_back_);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        if (!hub_.terminals_may_speak()) {
            held_back_.insert(held_back_.end(), waiting.begin() + static_cast<std::ptrdiff_t>(i),
                              waiting.end());
            return;
        }
        Link* link = find(waiting[i]);
        if (link == nullptr) continue;
        const Now now = hub_.now();
        link->session.bytes_arrived(link->held, now);
        iso8583::zeroise(link->held.data(), link->held.size());
        link->held.clear();
        settle(*link, now);
        link->stream->resume_reading();
    }
}

void TerminalLinks::send(const SendReply& reply) {
    Link* link = find(reply.to.link);
    if (link == nullptr) return;  // the terminal is gone; the stored answer stands for its retry
    const Now now = hub_.now();
    link->session.send(reply, now);
    settle(*link, now);
}

void TerminalLinks::hsm_answered(LinkId id, hsm::Ticket ticket, const hsm::Reply& reply) {
    Link* link = find(id);
    if (link == nullptr) return;
    const Now now = hub_.now();
    link->session.hsm_answered(ticket, reply, now);
    settle(*link, now);
}

void TerminalLinks::pass_deadlines(LinkId id) {
    Link* link = find(id);
    if (link == nullptr) return;
    const Now now = hub_.now();
    link->wakes_at.reset();
    link->session.pass_deadlines(now);
    settle(*link, now);
}

void TerminalLinks::close(LinkId id, const std::string& reason) {
    Link* link = find(id);
    if (link == nullptr) return;
    link->session.close(reason);
    settle(*link, hub_.now());
}

// After anything that happened to a session: hand on what it wants.
void TerminalLinks::settle(Link& link, const Now& now) {
    TerminalSession& session = link.session;
    answer_asks(session, hub_, now);
    for (RequestArrived& request : session.take_requests()) hub_.request_arrived(std::move(request));
    if ((session.closed() || !session.outbox().empty()) && !link.touched) {
        link.touched = true;
        hub_.touched(session.link());
    }
    // Deadlines mostly move later; the queue hears only of earlier ones, and asks again when the old one is
    // due.
    const auto deadline = session.next_deadline();
    if (deadline && (!link.wakes_at || *deadline < *link.wakes_at)) {
        link.wakes_at = deadline;
        hub_.wake_at(session.link(), *deadline);
    }
}

void TerminalLinks::flush(LinkId id) {
    Link* link = find(id);
    if (link == nullptr) return;
    link->touched = false;
    if (!link->session.outbox().empty()) link->stream->write(link->session.outbox());
    if (link->stream->unsent_bytes() > setup_.terminal_limits.outbox_bytes_max)
        link->session.close("more than " + std::to_string(setup_.terminal_limits.outbox_bytes_max) +
                            " bytes of answers are not taken");
    if (link->session.closed()) drop(id, *link->session.closed());
}

void TerminalLinks::stream_ended(Stream& stream, const std::string& why) {
    if (has(LinkId{stream.tag()})) drop(LinkId{stream.tag()}, why);
}

void TerminalLinks::drop(LinkId id, const std::string& reason) {
    const auto at = links_.find(id.value);
    const std::unique_ptr<Link> link = std::move(at->second);
    links_.erase(at);
    // What the socket has taken still leaves; a peer that reads nothing keeps nothing here.
    link->stream->close();
    iso8583::zeroise(link->held.data(), link->held.size());
    hub_.forget(id);
    log_.stranger_line("link_closed", {{"peer", link->stream->peer()}, {"detail", reason}}, hub_.now());
    static_cast<void>(hub_.event_arrived(TerminalLinkClosed{id}));
}

bool TerminalLinks::all_sent() const {
    return std::all_of(links_.begin(), links_.end(), [](const auto& entry) {
        const Link& link = *entry.second;
        return !link.touched && link.session.replies_sent() && link.stream->unsent_bytes() == 0;
    });
}

}  // namespace acquirer
