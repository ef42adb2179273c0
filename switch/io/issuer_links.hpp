// IssuerLinks: keeps the connections to all issuers up: connects, signs on through the session, reconnects
// with an exponential back-off and jitter, feeds the sessions, writes.
//
// Thread: the core's. Owner: the runtime, which is its hub. Bounds: ShellBounds, IssuerSessionLimits. A full
// inbox of requests never stops these sockets: answers are what makes room.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "switch/io/link_hub.hpp"
#include "switch/io/log.hpp"
#include "switch/io/redial.hpp"
#include "switch/io/shell_setup.hpp"
#include "switch/sessions/issuer_session.hpp"

namespace acquirer {

class IssuerLinks final : public StreamOwner {
  public:
    using Numbers = std::function<std::pair<iso8583::Stan, iso8583::TransmissionTime>(routing::RouteId,
                                                                                      const iso8583::Now&)>;
    IssuerLinks(Reactor& reactor, LinkHub& hub, Log& log, const ShellSetup& setup, Numbers numbers);

    void connect_all();
    void send(const SendToIssuer& message);
    /// For the connections of the route that are there and all that come.
    void install_keys(const InstallIssuerKeys& keys);
    void hsm_answered(LinkId link, hsm::Ticket ticket, const hsm::Reply& reply);
    void pass_deadlines(LinkId link);
    void flush(LinkId link);
    void close(LinkId link, const std::string& reason);
    /// Closes everything and connects no more.
    void stop();

    [[nodiscard]] bool has(LinkId link) const { return by_link_.count(link.value) != 0; }
    [[nodiscard]] bool all_sent() const;
    struct Status {
        std::string route;
        std::size_t wanted = 0;
        std::size_t signed_on = 0;
    };
    [[nodiscard]] std::vector<Status> status() const;

    void bytes_arrived(Stream& stream, iso8583::ByteView bytes) override;
    /// An issuer that sends no more is of no use: what it is still owed is written, then the link is closed.
    void peer_finished(Stream& stream) override;
    void stream_ended(Stream& stream, const std::string& why) override;

  private:
    /// One connection that is wanted, whether it is there or not.
    struct Slot {
        const IssuerPort* port = nullptr;
        std::unique_ptr<Redial> redial;
        std::unique_ptr<IssuerSession> session;  // with `stream`, while connected
        std::shared_ptr<Stream> stream;
        ToldHub told;
    };

    void want(const IssuerPort& port, const SocketAddress& address);
    void connected(std::size_t slot, std::shared_ptr<Stream> stream);
    void failed(std::size_t slot, const std::string& why, std::int32_t retry_ms);
    /// What the next connection of a port speaks: the newest dialect when no other one is up.
    const iso8583::Dialect* dialect_of(const IssuerPort& port, const iso8583::Now& now);
    Slot* find(LinkId link);
    template <typename Do>
    void with(LinkId link, Do&& what);
    void settle(Slot& slot, const iso8583::Now& now);
    void drop(LinkId link);

    Reactor& reactor_;
    LinkHub& hub_;
    Log& log_;
    const ShellSetup& setup_;
    Numbers numbers_;
    std::vector<Slot> slots_;
    std::map<routing::RouteId, std::vector<hsm::KeyBlock>> zaks_;
    std::unordered_map<std::uint64_t, std::size_t> by_link_;
    std::map<const IssuerPort*, const iso8583::Dialect*> spoken_;
};

}  // namespace acquirer
