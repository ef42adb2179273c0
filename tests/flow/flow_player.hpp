// FlowPlayer: plays a flow script in a simulated world and says where it went otherwise.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "switch/core/configuration.hpp"
#include "tests/flow/flow_script.hpp"

namespace flow {

/// The terminal's profile and the issuer of the card.
struct Cast {
    acquirer::Profile profile = acquirer::Profile::unionpay_pos;
    routing::RouteId route;
    [[nodiscard]] std::string str() const;  // "unionpay-pos, issuer-a"
};
/// The casts a script asks for; all four when it does not say.
std::vector<Cast> casts_of(const Script& script);

/// Failures as "file:line (cast): what"; empty when all went as written and every invariant held.
std::vector<std::string> play(const Script& script, const Cast& cast,
                              const std::function<void(const std::string&)>& trace = {});

}  // namespace flow
