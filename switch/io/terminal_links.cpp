#include "switch/io/terminal_links.hpp"

#include <algorithm>

#include "switch/io/metrics.hpp"

namespace acquirer {

using iso8583::ByteView;
using iso8583::Now;

namespace {

constexpr std::size_t percent = 100;

/// As the limits count it: an IPv4 address, or the network of an IPv6 one.
PeerAddress source_of(const iso8583::IpAddress& address) {
    return PeerAddress(address.is_v4() ? address.str() : address.network().str() + "/64");
}

TerminalPlaceBounds place_bounds(const ShellBounds& bounds) {
    const std::size_t share = bounds.terminal_links_max * bounds.links_per_address_percent_max / percent;
    return {bounds.terminal_links_max, std::max<std::size_t>(1, share),
            bounds.bad_links_per_address_minute_max};
}

}  // namespace

TerminalLinks::TerminalLinks(Reactor& reactor, LinkHub& hub, Log& log, const ShellSetup& setup,
                             const TerminalKeyTable& keys, const ConfigurationPtr& configuration)
    : reactor_(reactor),
      hub_(hub),
      log_(log),
      setup_(setup),
      keys_(keys),
      configuration_(configuration),
      places_(place_bounds(setup.bounds)) {}

iso8583::Result<std::vector<std::string>> TerminalLinks::listen() {
    places_.bound(place_bounds(setup_.bounds));
    std::vector<std::string> addresses;
    for (const TerminalPort& port : setup_.terminals) {
        auto listener = reactor_.listen(
            port.address, port.channel,
            [this, &port](std::shared_ptr<Stream> stream) { accepted(port, std::move(stream)); });
        if (!listener) return tl::unexpected(listener.error());
        addresses.push_back((*listener)->address());
        listeners_.push_back(std::move(*listener));
    }
    return addresses;
}

namespace {

// The log and the metrics say that places run out before they have.
constexpr std::size_t nearly_full_percent = 80, room_again_percent = 70;

std::string_view words(TerminalPlaces::Refused refused) {
    using Refused = TerminalPlaces::Refused;
    switch (refused) {
        case Refused::none:
            return "";
        case Refused::all_taken:
            return "as many terminal connections as allowed";
        case Refused::share_taken:
            return "as many terminal connections as one address may have";
        case Refused::address_shut:
            return "its address has sent too much that no terminal sends";
    }
    return "";
}

}  // namespace

bool TerminalLinks::admit(const TerminalPort& port, LinkId id, const Stream& stream, const Now& now) {
    const iso8583::IpAddress address = stream.address();
    std::string_view why;
    if (!iso8583::is_allowed(port.allow, address)) {
        why = "its address is not allowed on this port";
    } else {
        const TerminalPlaces::Arrival arrival = places_.arrive(id, address, now.instant);
        why = words(arrival.refused);
        if (arrival.makes_room) {
            ++evicted_;
            drop(*arrival.makes_room, "it made room for another: no MAC has verified on it");
        }
    }
    if (why.empty()) return true;
    ++rejected_;
    log_.stranger_line("link_rejected", source_of(address).view(), {{"peer", stream.peer()}, {"detail", why}},
                       now);
    return false;
}

void TerminalLinks::tell_how_full(const Now& now) {
    const std::size_t taken = places_.size() * percent, most = places_.bounds().links_max;
    if (nearly_full_ ? taken > most * room_again_percent : taken < most * nearly_full_percent) return;
    nearly_full_ = !nearly_full_;
    log_.line(nearly_full_ ? Severity::alarm : Severity::info,
              nearly_full_ ? "terminal_places_nearly_taken" : "terminal_places_free_again",
              {{"taken", std::to_string(places_.size())},
               {"of", std::to_string(most)},
               {"unverified", std::to_string(places_.unverified())},
               {"most_of_one_address", std::to_string(places_.most_of_one_address())}},
              now);
}

void TerminalLinks::accepted(const TerminalPort& port, std::shared_ptr<Stream> stream) {
    const Now now = hub_.now();
    const LinkId id = hub_.new_link();
    if (!admit(port, id, *stream, now)) return stream->close();
    ++accepted_;
    tell_how_full(now);
    const iso8583::Dialect* dialect = dialect_of(port, now);
    const iso8583::FramingSpec framing = dialect == port.dialect ? port.framing : dialect->framing();
    // The stream lives as long as its session is asked anything.
    const auto peer_has_one_of = [&of = *stream](const std::vector<std::string>& names) {
        return of.peer_has_one_of(names);
    };
    auto link =
        std::make_unique<Link>(TerminalSessionSetup{id, source_of(stream->address()), port.profile, dialect,
                                                    framing, setup_.terminal_limits, peer_has_one_of},
                               keys_, configuration_, now);
    link->port = &port;
    link->stream = std::move(stream);
    Link& there = *link;
    links_.emplace(id.value, std::move(link));
    settle(there, now);
    there.stream->start(*this, id.value, setup_.bounds.terminal_read_bytes);
}

const iso8583::Dialect* TerminalLinks::dialect_of(const TerminalPort& port, const Now& now) {
    const iso8583::Dialect*& spoken = spoken_.try_emplace(&port, port.dialect).first->second;
    if (port.newest == nullptr || *port.newest == spoken) return spoken;
    const bool is_up = std::any_of(links_.begin(), links_.end(),
                                   [&](const auto& link) { return link.second->port == &port; });
    if (is_up) return spoken;
    spoken = *port.newest;
    log_.line(Severity::info, "dialect_taken_over",
              {{"profile", name(port.profile)}, {"dialect", std::string(spoken->name())}}, now);
    return spoken;
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

template <typename Do>
void TerminalLinks::with(LinkId id, Do&& what) {
    Link* link = find(id);
    if (link == nullptr) return;
    const Now now = hub_.now();
    what(*link, now);
    settle(*link, now);
}

void TerminalLinks::send(const SendReply& reply) {
    // To a terminal that is gone nothing is sent; the stored answer stands for its retry.
    with(reply.to.link, [&](Link& link, const Now& now) { link.session.send(reply, now); });
}

void TerminalLinks::hsm_answered(LinkId id, hsm::Ticket ticket, const hsm::Reply& reply) {
    with(id, [&](Link& link, const Now& now) { link.session.hsm_answered(ticket, reply, now); });
}

void TerminalLinks::pass_deadlines(LinkId id) {
    with(id, [](Link& link, const Now& now) {
        link.told.waking();
        link.session.pass_deadlines(now);
        if (link.answered_until && *link.answered_until <= now.instant)
            link.session.close("the terminal has finished, and what it waits for gets no answer");
    });
}

void TerminalLinks::close(LinkId id, const std::string& reason) {
    with(id, [&](Link& link, const Now&) { link.session.close(reason); });
}

void TerminalLinks::peer_finished(Stream& stream) {
    with(LinkId{stream.tag()}, [this](Link& link, const Now& now) {
        link.answered_until = now.instant.plus_ms(setup_.terminal_limits.request_forgotten_ms);
    });
}

// After anything that happened to a session: hand on what it wants.
void TerminalLinks::settle(Link& link, const Now& now) {
    TerminalSession& session = link.session;
    answer_asks(session, hub_, now);
    for (RequestArrived& request : session.take_requests()) {
        request.from.asked_us = steady_now_us();
        hub_.request_arrived(std::move(request));
    }
    if (!link.verified && session.has_verified()) {
        link.verified = true;
        places_.verified(session.link());
    }
    const bool all_answered = link.answered_until && session.quiet();
    if (session.closed() || !session.outbox().empty() || all_answered) link.told.touch(hub_, session.link());
    link.told.wake(hub_, session.link(), session.next_deadline());
    // A closed link is past its time: it waits for flush() alone.
    if (!session.closed()) link.told.wake(hub_, session.link(), link.answered_until);
}

void TerminalLinks::flush(LinkId id) {
    Link* link = find(id);
    if (link == nullptr) return;
    link->told.flushing();
    if (!link->session.outbox().empty()) link->stream->write(link->session.outbox());
    if (link->stream->unsent_bytes() > setup_.terminal_limits.outbox_bytes_max)
        link->session.close("more than " + std::to_string(setup_.terminal_limits.outbox_bytes_max) +
                            " bytes of answers are not taken");
    if (link->session.closed()) return drop(id, *link->session.closed());
    if (link->answered_until && link->session.quiet())
        take_out(id, peer_finished_reason)->stream->close_after_writing();
}

void TerminalLinks::stream_ended(Stream& stream, const std::string& why) {
    if (has(LinkId{stream.tag()})) drop(LinkId{stream.tag()}, why);
}

void TerminalLinks::drop(LinkId id, const std::string& reason) {
    // What the socket has taken still leaves; a peer that reads nothing keeps nothing here.
    take_out(id, reason)->stream->close();
}

std::unique_ptr<TerminalLinks::Link> TerminalLinks::take_out(LinkId id, const std::string& reason) {
    const auto at = links_.find(id.value);
    std::unique_ptr<Link> link = std::move(at->second);
    links_.erase(at);
    iso8583::zeroise(link->held.data(), link->held.size());
    hub_.forget(id);
    const Now now = hub_.now();
    const PeerAddress source = source_of(link->stream->address());
    log_.stranger_line("link_closed", source.view(), {{"peer", link->stream->peer()}, {"detail", reason}},
                       now);
    if (const auto& terminal = link->session.spoke_for()) {
        ++wrong_certificates_;
        log_.line(Severity::alarm, "certificate_of_another",
                  {{"peer", link->stream->peer()},
                   {"terminal", terminal->str()},
                   {"detail", "its certificate is none of the range's certificate_names"},
                   {"consequence", "the connection is closed, nothing that it sent counts"}},
                  now);
    }
    const auto how =
        link->session.peer_was_wrong() ? TerminalPlaces::Left::sent_nonsense : TerminalPlaces::Left::in_order;
    if (places_.left(id, how, now.instant))
        log_.line(
            Severity::alarm, "address_shut",
            {{"source", source.view()},
             {"detail", "more than " + std::to_string(setup_.bounds.bad_links_per_address_minute_max) +
                            " connections a minute that had to be closed for what they sent"},
             {"consequence", "it gets no connection for a minute, unless a terminal there has verified"}},
            now);
    tell_how_full(now);
    static_cast<void>(hub_.event_arrived(TerminalLinkClosed{id}));
    return link;
}

bool TerminalLinks::all_sent() const {
    return std::all_of(links_.begin(), links_.end(), [](const auto& entry) {
        const Link& link = *entry.second;
        return !link.told.touched() && link.session.replies_sent() && link.stream->unsent_bytes() == 0;
    });
}

}  // namespace acquirer
