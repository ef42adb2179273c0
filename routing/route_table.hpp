// RouteTable: all routes, and the two choices made with them. Pure: health is an argument, nothing is
// remembered. Built once from configuration, then immutable; replaced as a whole on reload.
//
// A sale chooses by the card, or by the wallet's payment code. A refund or void never does: it takes the
// route stored on the sale, or the successor that configuration names for a retired one, or no route at all,
// and then two people decide (refund_rules.md, "original route", 3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/pan.hpp"
#include "iso8583/values/result.hpp"
#include "routing/iin_table.hpp"
#include "routing/route.hpp"
#include "routing/wallet_table.hpp"

namespace routing {

class RouteTable {
  public:
    static constexpr std::size_t routes_max = 256;

    RouteTable() = default;
    /// Refuses: a bad route (check_route), an id or name given twice, a range or successor that names no
    /// route, successors in a circle, a retired route's range that leads nowhere. The error names them.
    static iso8583::Result<RouteTable> build(std::vector<Route> routes, std::vector<IinRange> ranges,
                                             std::vector<WalletRange> wallets = {});

    /// nullptr when there is none. Pointers live as long as the table.
    [[nodiscard]] const Route* find(RouteId id) const;
    [[nodiscard]] const Route* find(std::string_view route_name) const;
    [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }
    [[nodiscard]] const IinTable& iin_table() const { return iin_table_; }
    [[nodiscard]] const WalletTable& wallets() const { return wallets_; }

    enum class NoRoute : std::uint8_t {
        unknown_iin,  // DE39 15: of a card or payment code
        down          // every route of the range is down or draining: DE39 91
    };
    using Choice = iso8583::Result<const Route*, NoRoute>;

    /// The route of a new sale: the first of the card's range, successors of retired ones in their place,
    /// that is up. `health(RouteId)` is asked for routes of this table only.
    template <typename Health>
    [[nodiscard]] Choice choose(const iso8583::Pan& pan, Health&& health) const {
        const IinRange* range = iin_table_.find(pan);
        if (range == nullptr) return tl::unexpected(NoRoute::unknown_iin);
        return first_up(range->routes, health);
    }
    /// The same for a sale that a wallet pays, by its payment code.
    template <typename Health>
    [[nodiscard]] Choice choose_wallet(std::string_view code, Health&& health) const {
        const WalletRange* range = wallets_.find(code);
        if (range == nullptr) return tl::unexpected(NoRoute::unknown_iin);
        return first_up(range->routes, health);
    }

    /// The route of a refund, void or reversal of a sale that was made over `stored`: itself, or the last
    /// successor of a retired one; nullptr when a retired (or removed) route has none: the refund becomes a
    /// case.
    [[nodiscard]] const Route* for_original(RouteId stored) const { return in_service(stored); }

    /// What the `index`-th of `of` who share the routes may use of them: its part of the bounds of what is
    /// with an issuer, so that all parts are the whole.
    [[nodiscard]] RouteTable part(std::size_t index, std::size_t of) const;

  private:
    [[nodiscard]] const Route* in_service(RouteId id) const;
    template <typename Health>
    [[nodiscard]] Choice first_up(const std::vector<RouteId>& ids, Health&& health) const {
        for (RouteId id : ids) {
            const Route* route = in_service(id);
            if (route != nullptr && health(route->id) == RouteHealth::up) return route;
        }
        return tl::unexpected(NoRoute::down);
    }

    std::vector<Route> routes_;  // by id
    IinTable iin_table_;
    WalletTable wallets_;
};

}  // namespace routing
