// TerminalLinks: all terminal connections: accepts, reads, feeds their sessions, writes.
//
// Thread: the core's. Owner: the runtime, which is its hub. Bounds: ShellBounds, TerminalSessionLimits.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "switch/io/link_hub.hpp"
#include "switch/io/log.hpp"
#include "switch/io/shell_setup.hpp"
#include "switch/io/terminal_places.hpp"
#include "switch/sessions/terminal_session.hpp"

namespace acquirer {

class TerminalLinks final : public StreamOwner {
  public:
    TerminalLinks(Reactor& reactor, LinkHub& hub, Log& log, const ShellSetup& setup,
                  const TerminalKeyTable& keys, const ConfigurationPtr& configuration);

    /// Binds every port. The addresses are in the order of the setup.
    iso8583::Result<std::vector<std::string>> listen();
    void stop_accepting() { listeners_.clear(); }
    void send(const SendReply& reply);
    void hsm_answered(LinkId link, hsm::Ticket ticket, const hsm::Reply& reply);
    void pass_deadlines(LinkId link);
    /// Writes what the session has, closes what is to be closed.
    void flush(LinkId link);
    void close(LinkId link, const std::string& reason);
    /// Reads again from those that were not read while terminals might not speak.
    void resume_reading();

    [[nodiscard]] bool has(LinkId link) const { return links_.count(link.value) != 0; }
    [[nodiscard]] std::size_t size() const { return links_.size(); }
    [[nodiscard]] std::size_t not_read() const { return held_back_.size(); }
    /// Every answer given so far has left.
    [[nodiscard]] bool all_sent() const;
    [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
    [[nodiscard]] std::uint64_t rejected() const { return rejected_; }
    /// Connections that made room for others, since none of their MACs had verified.
    [[nodiscard]] std::uint64_t evicted() const { return evicted_; }
    /// Connections whose certificate may not speak for the terminal that they spoke for.
    [[nodiscard]] std::uint64_t wrong_certificates() const { return wrong_certificates_; }
    [[nodiscard]] const TerminalPlaces& places() const { return places_; }
    /// A newcomer is served, or finds somebody who has to make room.
    [[nodiscard]] bool has_room() const { return !places_.all_taken(); }

    void bytes_arrived(Stream& stream, iso8583::ByteView bytes) override;
    /// Such a terminal still gets the answers it waits for (docs/wire.md); then its connection is closed.
    void peer_finished(Stream& stream) override;
    void stream_ended(Stream& stream, const std::string& why) override;

  private:
    struct Link {
        Link(const TerminalSessionSetup& setup, const TerminalKeyTable& keys,
             const ConfigurationPtr& configuration, const iso8583::Now& now)
            : session(setup, keys, configuration, now) {}
        TerminalSession session;
        std::shared_ptr<Stream> stream;
        iso8583::Bytes held;  // read while terminals may not speak
        ToldHub told;
        const TerminalPort* port = nullptr;
        bool verified = false;  // and its place is told
        /// The terminal has finished; what it waits for is waited for until then.
        std::optional<iso8583::Instant> answered_until;
    };

    void accepted(const TerminalPort& port, std::shared_ptr<Stream> stream);
    /// Gives it a place; false: it is refused, and the log says why.
    bool admit(const TerminalPort& port, LinkId id, const Stream& stream, const iso8583::Now& now);
    void tell_how_full(const iso8583::Now& now);
    /// What the next connection of a port speaks: the newest dialect when no other one is up.
    const iso8583::Dialect* dialect_of(const TerminalPort& port, const iso8583::Now& now);
    Link* find(LinkId link);
    template <typename Do>
    void with(LinkId link, Do&& what);
    void settle(Link& link, const iso8583::Now& now);
    std::unique_ptr<Link> take_out(LinkId id, const std::string& reason);
    void drop(LinkId id, const std::string& reason);

    Reactor& reactor_;
    LinkHub& hub_;
    Log& log_;
    const ShellSetup& setup_;
    const TerminalKeyTable& keys_;
    const ConfigurationPtr& configuration_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Link>> links_;
    std::vector<LinkId> held_back_;
    std::uint64_t accepted_ = 0;
    std::uint64_t rejected_ = 0;
    std::uint64_t evicted_ = 0;
    std::uint64_t wrong_certificates_ = 0;
    TerminalPlaces places_;
    bool nearly_full_ = false;
    std::map<const TerminalPort*, const iso8583::Dialect*> spoken_;
};

}  // namespace acquirer
