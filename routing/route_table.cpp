#include "routing/route_table.hpp"

#include <algorithm>

namespace routing {

const Route* RouteTable::find(RouteId id) const {
    const auto at = std::lower_bound(routes_.begin(), routes_.end(), id,
                                     [](const Route& r, RouteId wanted) { return r.id < wanted; });
    return at != routes_.end() && at->id == id ? &*at : nullptr;
}

const Route* RouteTable::find(std::string_view route_name) const {
    for (const Route& r : routes_)
        if (r.name == route_name) return &r;
    return nullptr;
}

RouteTable RouteTable::part(std::size_t index, std::size_t of) const {
    const auto part_of = [&](std::uint32_t whole) {
        return static_cast<std::uint32_t>(whole / of + (index < whole % of ? 1 : 0));
    };
    RouteTable out = *this;
    for (Route& route : out.routes_) {
        route.in_flight_max = part_of(route.in_flight_max);
        route.advices_in_flight_max = part_of(route.advices_in_flight_max);
    }
    return out;
}

const Route* RouteTable::in_service(RouteId id) const {
    const Route* route = find(id);
    // build() refused circles, so this ends; the bound only keeps a broken table from hanging us.
    for (std::size_t hops = 0; route != nullptr && route->retired && hops <= routes_.size(); ++hops)
        route = route->successor ? find(*route->successor) : nullptr;
    return route != nullptr && !route->retired ? route : nullptr;
}

namespace {

std::optional<std::string> wrong_successor(const RouteTable& table, const Route& from) {
    const Route* at = &from;
    for (std::size_t hops = 0; at->successor; ++hops) {
        if (hops >= table.routes().size())
            return "route " + from.name + ": its successors go round in a circle";
        const Route* next = table.find(*at->successor);
        if (next == nullptr)
            return "route " + at->name + ": its successor " + std::to_string(at->successor->value) +
                   " is no route";
        at = next;
    }
    return std::nullopt;
}

}  // namespace

namespace {

/// "IIN range 621234-621299: ": a route of it that takes no sale, in words; nothing when all do.
template <typename InService>
std::optional<std::string> wrong_route(const RouteTable& table, const std::vector<RouteId>& ids,
                                       const std::string& where, InService&& in_service) {
    for (RouteId id : ids) {
        const Route* route = table.find(id);
        if (route == nullptr) return where + std::to_string(id.value) + " is no route";
        if (in_service(id) == nullptr)
            return where + "route " + route->name + " is retired and has no successor";
    }
    return std::nullopt;
}

}  // namespace

iso8583::Result<RouteTable> RouteTable::build(std::vector<Route> routes, std::vector<IinRange> ranges,
                                              std::vector<WalletRange> wallets) {
    if (routes.size() > routes_max)
        return iso8583::parse_error("routes: at most " + std::to_string(routes_max) + " are allowed, " +
                                    std::to_string(routes.size()) + " are given");
    for (const Route& r : routes)
        if (auto wrong = check_route(r)) return iso8583::parse_error(std::move(*wrong));
    std::stable_sort(routes.begin(), routes.end(),
                     [](const Route& a, const Route& b) { return a.id < b.id; });
    for (std::size_t a = 0; a < routes.size(); ++a)
        for (std::size_t b = a + 1; b < routes.size(); ++b) {
            if (routes[a].id == routes[b].id)
                return iso8583::parse_error("routes " + routes[a].name + " and " + routes[b].name +
                                            " have the same id " + std::to_string(routes[a].id.value));
            if (routes[a].name == routes[b].name)
                return iso8583::parse_error("route " + routes[a].name + " is there twice");
        }

    RouteTable table;
    table.routes_ = std::move(routes);
    for (const Route& r : table.routes_)
        if (auto wrong = wrong_successor(table, r)) return iso8583::parse_error(std::move(*wrong));
    const auto in_service = [&table](RouteId id) { return table.in_service(id); };
    for (const IinRange& range : ranges)
        if (auto wrong = wrong_route(table, range.routes,
                                     "IIN range " + range.first + "-" + range.last + ": ", in_service))
            return iso8583::parse_error(std::move(*wrong));
    for (const WalletRange& range : wallets)
        if (auto wrong = wrong_route(table, range.routes, "wallet " + range.name + ": ", in_service))
            return iso8583::parse_error(std::move(*wrong));
    auto wallet_table = WalletTable::build(std::move(wallets));
    if (!wallet_table) return tl::unexpected(wallet_table.error());
    table.wallets_ = std::move(*wallet_table);
    auto iin_table = IinTable::build(std::move(ranges));
    if (!iin_table) return tl::unexpected(iin_table.error());
    table.iin_table_ = std::move(*iin_table);
    return table;
}

}  // namespace routing
