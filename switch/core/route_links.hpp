// RouteLinks: the connections of each route that are signed on, what operators have said of the route, and
// what follows from both: its health, and the connection that the next message takes. It also remembers on
// which connection a request left: its reversal goes there too while that is up (docs/wire.md), because some
// issuers look for the original only among what came on the same connection.
//
// Ownership: member of CoreContext. Thread: the core's. Nothing here is stored: links come up again after a
// restart, and operators' modes are read from the ledger's overrides (Terminals::recover). No connection from
// before a restart is up, so that none needs to be remembered over it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "routing/route_table.hpp"
#include "switch/core/event.hpp"

namespace acquirer {

/// An operator's word on a route: `drain` takes no new sales, `down` sends nothing at all.
enum class RouteMode : std::uint8_t { up, down, drain };
/// As it is stored in an override and shown to operators.
std::string_view name(RouteMode mode);

/// Requests whose connection is remembered, the newest ones: 0420 of what is older takes its turn like
/// others.
inline constexpr std::size_t originals_remembered_max = 50'000;

class RouteLinks {
  public:
    void link_up(routing::RouteId route, LinkId link);
    void link_down(routing::RouteId route, LinkId link);
    void set_mode(routing::RouteId route, RouteMode mode) { modes_[route] = mode; }

    [[nodiscard]] RouteMode mode(routing::RouteId route) const;
    [[nodiscard]] routing::RouteHealth health(routing::RouteId route) const;
    /// Nothing when the route has no connection or operations took it down. The connections of a route share
    /// the load by turns, in the order in which they came up.
    [[nodiscard]] std::optional<LinkId> link_for(routing::RouteId route, std::uint32_t turn) const;
    [[nodiscard]] std::uint32_t links_up(routing::RouteId route) const;

    /// The request with this RRN leaves on `link`.
    void sent_on(const iso8583::Rrn& request, LinkId link);
    /// The connection that the request left on, while it is up and its route is not taken down; else nothing.
    [[nodiscard]] std::optional<LinkId> link_of_original(routing::RouteId route,
                                                         const iso8583::Rrn& request) const;

  private:
    std::map<routing::RouteId, std::vector<LinkId>> links_;
    std::map<routing::RouteId, RouteMode> modes_;
    std::unordered_map<iso8583::Rrn, LinkId, iso8583::FixedTextHash> sent_on_;
    std::deque<iso8583::Rrn> sent_order_;  // of sent_on_, oldest first
};

}  // namespace acquirer
