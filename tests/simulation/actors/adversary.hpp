// The adversary: somebody who reaches the terminals' ports and has no key. It opens connections of its own,
// sees every answer it gets, composes requests of every kind for terminals that exist, replays, cuts and
// mixes what it saw, signs honest terminals on, sends wrong MACs in their name, holds connections open.
// Traffic of terminals whose MAC is `retail` or `cmac` it overhears, both ways; that of `ecb` terminals is
// protected by their channel (docs/wire.md).
//
// What it must not reach is said by honest_traffic.hpp. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tests/simulation/actor.hpp"

namespace simulation {

/// What it does; by default all of it.
struct AdversaryMeans {
    bool composes = true;        // requests with no MAC, a random one, or one that it saw
    bool forges = true;          // … fits what it composes to a MAC that it saw (ECB)
    bool replays = true;         // whole frames that it saw, as they were or changed
    bool signs_on = true;        // floods of sign-ons
    bool signs_off = true;       // where a frame that it replayed was taken for the terminal's own
    bool sends_bad_macs = true;  // floods of them
    bool cuts = true;            // ends connections in the middle of a frame
    std::size_t addresses = 1;   // it comes from so many
    std::size_t links_max = 40;  // connections that it holds
    std::int64_t tick_ms = 250;  // an act at each
};

std::unique_ptr<Actor> make_adversary(Scene& scene, const AdversaryMeans& means);
/// As the swarm has it.
[[nodiscard]] AdversaryMeans adversary_means(Swarm& swarm);

}  // namespace simulation
