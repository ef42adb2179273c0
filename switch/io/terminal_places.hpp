// TerminalPlaces: who may have one of the places for terminal connections when there are fewer than are
// wanted. Places of connections on which a MAC has verified are never taken away. Of the others the oldest
// one of the address that has most of them makes room; one address never has more than its share, and one
// whose connections keep sending what no terminal sends gets none for a while.
//
// An address is an IPv4 address or an IPv6 network of 64 bits. Pure; time comes in. Thread: the core's.
// Owner: TerminalLinks. Bounds: TerminalPlaceBounds, addresses_max.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "iso8583/values/ip_address.hpp"
#include "iso8583/values/time_fields.hpp"
#include "switch/core/event.hpp"
#include "switch/core/source_limits.hpp"

namespace acquirer {

struct TerminalPlaceBounds {
    std::size_t links_max = 10'000;
    std::size_t address_links_max = 5'000;
    std::int32_t bad_links_per_minute_max = 120;  // of one address
};

class TerminalPlaces {
  public:
    /// Addresses without a connection whose bad ones are remembered.
    static constexpr std::size_t addresses_max = 65'536;
    /// How long an address that sent too much of what no terminal sends gets no connection.
    static constexpr std::int64_t shut_ms = 60'000;

    enum class Refused : std::uint8_t { none, all_taken, share_taken, address_shut };
    struct Arrival {
        Refused refused = Refused::none;
        std::optional<LinkId> makes_room;  // to be closed by the caller, who tells by left()
    };
    enum class Left : std::uint8_t { in_order, sent_nonsense };

    explicit TerminalPlaces(TerminalPlaceBounds bounds) : bounds_(bounds) {}
    /// The descriptors allow fewer.
    void bound(TerminalPlaceBounds bounds) { bounds_ = bounds; }
    [[nodiscard]] const TerminalPlaceBounds& bounds() const { return bounds_; }

    /// A connection came; unless refused it has a place until left().
    Arrival arrive(LinkId link, const iso8583::IpAddress& address, iso8583::Instant now);
    /// A MAC has verified on it for the first time.
    void verified(LinkId link);
    /// True: its address is shut from now on.
    bool left(LinkId link, Left how, iso8583::Instant now);

    [[nodiscard]] std::size_t size() const { return links_.size(); }
    [[nodiscard]] std::size_t unverified() const { return unverified_; }
    /// Of the address that has most.
    [[nodiscard]] std::size_t most_of_one_address() const {
        return by_links_.empty() ? 0 : by_links_.rbegin()->first;
    }
    /// A newcomer would be refused whoever it is.
    [[nodiscard]] bool all_taken() const { return size() >= bounds_.links_max && unverified_ == 0; }

  private:
    struct Address {
        iso8583::IpAddress network;
        std::size_t links = 0;
        std::list<LinkId> unverified;  // the oldest first
        TokenBucket bad;
        iso8583::Instant shut_until;
        [[nodiscard]] bool has_verified() const { return links > unverified.size(); }
    };
    struct Place {
        Address* address = nullptr;
        std::optional<std::list<LinkId>::iterator> unverified;
    };
    using Ranking = std::set<std::pair<std::size_t, iso8583::IpAddress>>;

    Address& known(const iso8583::IpAddress& network, iso8583::Instant now);
    /// Around every change of an address's counts: the rankings hold them.
    void unrank(Address& address);
    void rank(Address& address);

    TerminalPlaceBounds bounds_;
    std::map<iso8583::IpAddress, Address> addresses_;
    std::unordered_map<std::uint64_t, Place> links_;
    Ranking by_links_, by_unverified_;
    std::size_t unverified_ = 0;
};

}  // namespace acquirer
