// The configuration of every simulated world: the demonstration's merchants, terminals and issuers
// (docs/interfaces.md), with the test keys. Tests lay their own values over it.
#pragma once

#include <functional>
#include <memory>

#include "switch/core/configuration.hpp"

namespace simulation {

inline constexpr routing::RouteId route_a{1};  // refunds by advice, voids as the 0420 of their sale
inline constexpr routing::RouteId route_b{2};  // both online
inline constexpr routing::RouteId route_w{3};  // a wallet: as route_a, asked until it says
inline constexpr routing::RouteId all_routes[] = {route_a, route_b, route_w};

inline constexpr const char* merchant_unionpay = "898110157220001";
inline constexpr const char* merchant_iso = "898110157220002";
inline constexpr const char* merchant_without_refunds = "898110157220003";
inline constexpr const char* merchant_without_window = "898110157220004";
inline constexpr const char* merchant_limited = "898110157220005";
inline constexpr const char* merchant_iso_other = "898110157220006";

/// Published test card numbers by issuer, and one that has no route.
inline constexpr const char* cards_a[] = {"6212345678900000003", "6212345678900000029",
                                          "6212345678900000037"};
inline constexpr const char* cards_b[] = {"4111111111111111", "4012888888881881", "4222222222222220"};
inline constexpr const char* card_nowhere = "5555555555554444";

[[nodiscard]] std::shared_ptr<acquirer::Configuration> world_configuration();
/// Bounds of a route that so many shards cannot divide are refused by the configuration's reader: the least
/// that it takes stands there instead.
void leave_a_part_for_each(acquirer::Configuration& configuration, std::size_t shards);
/// Builds the route table anew; a retired route without successor gives its cards back.
void change_routes(acquirer::Configuration& configuration,
                   const std::function<void(routing::Route&)>& change);
/// Takes a route with its keys and card ranges out of the configuration, or brings back the one that stood
/// there.
void remove_route(acquirer::Configuration& configuration, routing::RouteId route);
void restore_route(acquirer::Configuration& configuration, routing::RouteId route);

}  // namespace simulation
