// Shrinking: from a seed that breaks an invariant to the little that it takes. Less time, conditions of the
// swarm taken away, acts left out, as long as the same invariant still breaks; then what is left as a script
// of tests/flow.
//
// Pure search over run_seed(); deterministic. One thread.
#pragma once

#include <functional>
#include <string>

#include "tests/simulation/run.hpp"

namespace simulation {

struct Shrunk {
    RunOptions options;  // what breaks it still
    Verdict verdict;     // of these options
    std::uint64_t runs = 0;
};

/// `verdict` is that of `options` and has something broken. `progress` hears a line now and then.
[[nodiscard]] Shrunk shrink(const RunOptions& options, const Verdict& verdict,
                            const std::function<void(const std::string&)>& progress);

/// The acts that are left, with the time between them, as a flow script; the reason why there is none begins
/// with "no". Whether it breaks the same invariant is for the caller to try: what the network or a disk did
/// is not in it.
[[nodiscard]] std::string flow_script(const Verdict& verdict);

}  // namespace simulation
