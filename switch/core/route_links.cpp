#include "switch/core/route_links.hpp"

#include <algorithm>

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

void RouteLinks::sent_on(const iso8583::Rrn& request, LinkId link) {
    const auto [at, is_new] = sent_on_.insert_or_assign(request, link);
    if (!is_new) return;
    sent_order_.push_back(at->first);
    if (sent_order_.size() <= originals_remembered_max) return;
    sent_on_.erase(sent_order_.front());
    sent_order_.pop_front();
}

std::optional<LinkId> RouteLinks::link_of_original(routing::RouteId route,
                                                   const iso8583::Rrn& request) const {
    if (mode(route) == RouteMode::down) return std::nullopt;
    const auto sent = sent_on_.find(request);
    const auto up = links_.find(route);
    if (sent == sent_on_.end() || up == links_.end()) return std::nullopt;
    const bool is_up = std::find(up->second.begin(), up->second.end(), sent->second) != up->second.end();
    return is_up ? std::optional(sent->second) : std::nullopt;
}

}  // namespace acquirer
