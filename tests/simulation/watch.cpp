#include "tests/simulation/watch.hpp"

namespace simulation {

std::vector<std::unique_ptr<Watch>> make_watches(World& world) {
    std::vector<std::unique_ptr<Watch>> all;
    for (const auto make :
         {watch_issuer_answers, watch_chains, watch_settlements, watch_sessions, watch_cases})
        all.push_back(make(world));
    return all;
}

}  // namespace simulation
