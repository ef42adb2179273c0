// One seed from its first sale to the verdict: bad weather, then calm, then everything must have come to an
// end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/actor.hpp"
#include "tests/simulation/checkers.hpp"

namespace simulation {

struct RunOptions {
    std::uint64_t seed = 1;
    std::int64_t bad_weather_ms = 60'000;
    /// 1, 2 or 4; else what the seed says.
    std::optional<std::size_t> shards;
    std::function<void(const std::string&)> trace;
    /// What this world is spared: conditions of its swarm, single acts (shrink.hpp).
    std::set<std::string> without;
    std::set<ActId> left_out;
    /// Dialects of issuers by route, built in or files, instead of the world's own.
    std::map<std::string, std::string> dialects;
    /// Self-test of the checkers: a disk that says done and has not written.
    bool lying_disk = false;
};

struct Verdict {
    std::uint64_t seed = 0;
    std::uint64_t turns = 0;
    std::uint64_t effects_hash = 0;
    std::uint64_t transactions = 0;
    std::vector<Broken> broken;
    std::map<std::string, std::uint64_t> reached;  // times, by the names of branches.hpp
    std::set<std::string> present;                 // conditions of the swarm
    std::vector<Story::Act> acts;
};

[[nodiscard]] Verdict run_seed(const RunOptions& options);

}  // namespace simulation
