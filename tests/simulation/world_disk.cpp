// The world's disk: how long a sync takes, when it fails, what a crash in it leaves.
#include <algorithm>

#include "tests/simulation/world.hpp"

namespace simulation {

namespace {

constexpr std::int64_t slow_sync_ms_max = 3'000;

}  // namespace

void World::look_after_sync() {
    for (std::size_t shard = 0; shard < shards(); ++shard)
        while (process_ && syncs_timed_[shard] < store(shard).disk.syncs_pending()) time_sync(shard);
}

void World::time_sync(std::size_t shard) {
    ++turns_;
    if (++syncs_timed_[shard] > 1) checkers_.reached("several turns in flight");
    if (crash_in_next_sync_) {
        Survivors kept(shards(), 0);
        kept[shard] = *std::exchange(crash_in_next_sync_, std::nullopt) ? 1 : 0;
        at(0, [this, kept] { crash(kept, 1'000); });
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
        store(shard).disk.fail_next_sync({ledger::StoreError::Kind::io, "a write failed"});
    if (chance_.permille(faults.crash_in_effects_permille)) process_->die_after(chance_.below(4));
    at(takes_ms, [this, generation, shard] {
        if (generation == generation_) complete_sync(shard);
    });
}

void World::complete_sync(std::size_t shard) {
    ledger::MemoryStore& disk = store(shard).disk;
    --syncs_timed_[shard];
    const std::uint64_t before = disk.last_turn_number();
    disk.complete_sync();
    if (disk.last_turn_number() != before) batch_durable(shard);
}

void World::batch_durable(std::size_t shard) {
    const ledger::Batch batch = std::move(store(shard).handed_over.front());
    store(shard).handed_over.pop_front();
    checkers_.batch_durable(batch, clock_, shard);
    honest_.batch_durable(batch);
    if (shard_checks_) shard_checks_->batch_durable(shard, batch, clock_);
    if (const auto wrong = days_[shard].durable(batch, *configuration_))
        checkers_.broken("days", *wrong, clock_);
    for (const auto& watch : watches_) watch->turn_durable(shard);
}

bool World::syncs_pending() const {
    return std::any_of(stores_.begin(), stores_.end(),
                       [](const auto& store) { return store->disk.sync_pending(); });
}

World::Survivors World::some_unsynced(Chance& chance) const {
    Survivors survivors;
    for (const auto& store : stores_)
        survivors.push_back(chance.below(
            static_cast<std::uint32_t>(std::max<std::size_t>(1, store->disk.unsynced_batches())) + 1));
    return survivors;
}

}  // namespace simulation
