#include "switch/core/route_links.hpp"

#include "iso8583/values/ensure.hpp"

namespace acquirer {

std::string_view name(RouteMode mode) {
    switch (mode) {
        case RouteMode::up:
            return "up";
        case RouteMode::down:
            return "down";
        case RouteMode::drain:
            return "drain";
    }
    ENSURE(false);
}

void RouteLinks::link_up(routing::RouteId route, LinkId link) { links_[route].push_back(link); }

void RouteLinks::link_down(routing::RouteId route, LinkId link) { std::erase(links_[route], link); }

RouteMode RouteLinks::mode(routing::RouteId route) const {
    const auto at = modes_.find(route);
    return at == modes_.end() ? RouteMode::up : at->second;
}

routing::RouteHealth RouteLinks::health(routing::RouteId route) const {
    if (mode(route) == RouteMode::drain) return routing::RouteHealth::draining;
    return link_for(route, 0) ? routing::RouteHealth::up : routing::RouteHealth::down;
}

std::optional<LinkId> RouteLinks::link_for(routing::RouteId route, std::uint32_t turn) const {
    if (mode(route) == RouteMode::down) return std::nullopt;
    const auto at = links_.find(route);
    if (at == links_.end() || at->second.empty()) return std::nullopt;
    return at->second[turn % at->second.size()];
}

std::uint32_t RouteLinks::links_up(routing::RouteId route) const {
    const auto at = links_.find(route);
    return at == links_.end() ? 0 : static_cast<std::uint32_t>(at->second.size());
}

}  // namespace acquirer
