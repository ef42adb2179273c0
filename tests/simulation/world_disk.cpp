// The world's disk: how long a sync takes, when it fails, what a crash in it leaves.
#include <algorithm>

#include "tests/simulation/world.hpp"

namespace simulation {

namespace {

constexpr std::int64_t slow_sync_ms_max = 3'000;

}  // namespace

void World::look_after_sync() {
    while (process_ && syncs_timed_ < store.disk.syncs_pending()) time_sync();
}

void World::time_sync() {
    ++turns_;
    if (++syncs_timed_ > 1) checkers_.reached("several turns in flight");
    if (crash_in_next_sync_) {
        const bool kept = *std::exchange(crash_in_next_sync_, std::nullopt);
        at(0, [this, kept] { crash(kept ? 1 : 0, 1'000); });
        return;
    }
    std::int64_t takes_ms = chance_.between(faults.sync_ms_min, faults.sync_ms_max);
    if (chance_.permille(faults.sync_slow_permille)) takes_ms += chance_.between(0, slow_sync_ms_max);
    const std::uint64_t generation = generation_;
    if (chance_.permille(faults.crash_in_sync_permille)) {
        at(takes_ms / 2, [this, generation] {
            if (generation != generation_) return;
            checkers_.reached("crash mid-sync");
            crash(some_unsynced(chance_), chance_.between(faults.downtime_ms_min, faults.downtime_ms_max));
        });
        return;
    }
    if (chance_.permille(faults.sync_fails_permille))
        store.disk.fail_next_sync({ledger::StoreError::Kind::io, "a write failed"});
    if (chance_.permille(faults.crash_in_effects_permille)) process_->die_after(chance_.below(4));
    at(takes_ms, [this, generation] {
        if (generation == generation_) complete_sync();
    });
}

void World::complete_sync() {
    --syncs_timed_;
    const std::uint64_t before = store.disk.last_turn_number();
    store.disk.complete_sync();
    if (store.disk.last_turn_number() != before) batch_durable();
}

void World::batch_durable() {
    const ledger::Batch batch = std::move(store.handed_over.front());
    store.handed_over.pop_front();
    checkers_.batch_durable(batch, clock_);
    honest_.batch_durable(batch);
    if (const auto wrong = days_.durable(batch, *configuration_)) checkers_.broken("days", *wrong, clock_);
    for (const auto& watch : watches_) watch->turn_durable();
}

std::size_t World::some_unsynced(Chance& chance) const {
    return chance.below(static_cast<std::uint32_t>(std::max<std::size_t>(1, store.disk.unsynced_batches())) +
                        1);
}

}  // namespace simulation
