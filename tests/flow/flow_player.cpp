#include "tests/flow/flow_player.hpp"

#include "tests/flow/flow_stage.hpp"

namespace flow {

using namespace acquirer;

std::string Cast::str() const {
    return std::string(name(profile)) + (route == simulation::route_a ? ", issuer-a" : ", issuer-b");
}

std::vector<Cast> casts_of(const Script& script) {
    const auto said = [&](const std::string& key, const std::string& value) {
        const auto at = script.given.find(key);
        return at == script.given.end() || at->second == value;
    };
    std::vector<Cast> casts;
    for (const Profile profile : {Profile::unionpay_pos, Profile::iso87})
        for (const routing::RouteId route : {simulation::route_a, simulation::route_b})
            if (said("profile", profile == Profile::unionpay_pos ? "unionpay-pos" : "iso87") &&
                said("route", route == simulation::route_a ? "a" : "b"))
                casts.push_back({profile, route});
    return casts;
}

std::vector<std::string> play(const Script& script, const Cast& cast,
                              const std::function<void(const std::string&)>& trace) {
    Stage stage(script, cast, trace);
    return stage.play();
}

}  // namespace flow
