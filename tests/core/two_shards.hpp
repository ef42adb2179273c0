// The cores of a switch with two shards on a desk each, and their words to each other as the shell passes
// them on (Runtime::tell_shards).
#pragma once

#include <utility>

#include "ledger/number_plan.hpp"
#include "tests/core/desk.hpp"

namespace desk {

/// Until neither has anything more to say. The vault's file is one for both, and known before the words are.
inline void pass_on(Desk& first, Desk& second) {
    while (!first.told.empty() || !second.told.empty()) {
        second.take_vault_file(first.vault_file);
        for (const auto& word : std::exchange(first.told, {})) second.offer(acquirer::ShardTold{0, word});
        for (const auto& word : std::exchange(second.told, {})) first.offer(acquirer::ShardTold{1, word});
    }
}

/// The process dies, and with it what was not passed on.
inline void restart(Desk& first, Desk& second) {
    second.take_vault_file(first.vault_file);
    for (Desk* one : {&first, &second}) {
        one->told.clear();
        one->restart();
    }
    pass_on(first, second);
}

struct TwoShards {
    Desk first{{}, Desk::noon, ledger::plan_of_shard(0, 2)};
    Desk second{{}, Desk::noon, ledger::plan_of_shard(1, 2)};

    TwoShards() { pass_on(); }
    void pass_on() { desk::pass_on(first, second); }
    void restart() { desk::restart(first, second); }
};

}  // namespace desk
