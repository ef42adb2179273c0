// What "given" and "config" of a flow change in the configuration.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "switch/core/configuration.hpp"

namespace flow {

/// Nothing, or which key or value is not known. `profile` and `route` are skipped: they choose the cast.
std::optional<std::string> apply_config(acquirer::Configuration& configuration,
                                        const std::map<std::string, std::string>& values,
                                        routing::RouteId route);

/// "10.00" in minor units of currency 156.
std::optional<std::int64_t> parse_minor(const std::string& major);

}  // namespace flow
