#include "tests/flow/flow_player.hpp"

#include "tests/flow/flow_stage.hpp"

namespace flow {

using namespace acquirer;

namespace {

std::string word_of(routing::RouteId route) {
    return route == simulation::route_a ? "a" : route == simulation::route_b ? "b" : "w";
}

}  // namespace

std::string Cast::str() const { return std::string(name(profile)) + ", issuer-" + word_of(route); }

std::vector<Cast> casts_of(const Script& script) {
    const auto said = [&](const std::string& key, const std::string& value) {
        const auto at = script.given.find(key);
        return at == script.given.end() || at->second == value;
    };
    std::vector<Cast> casts;
    for (const Profile profile : {Profile::unionpay_pos, Profile::iso87})
        for (const routing::RouteId route : simulation::all_routes)
            if (said("profile", profile == Profile::unionpay_pos ? "unionpay-pos" : "iso87") &&
                (script.given.contains("route") ? said("route", word_of(route))
                                                : route != simulation::route_w))
                casts.push_back({profile, route});
    return casts;
}

std::vector<std::string> play(const Script& script, const Cast& cast,
                              const std::function<void(const std::string&)>& trace) {
    Stage stage(script, cast, trace);
    return stage.play();
}

}  // namespace flow
