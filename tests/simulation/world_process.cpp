// The world's process: its start over the stores, its end by a crash, and what is looked at while it lives.
#include <algorithm>

#include "ledger/number_plan.hpp"
#include "ledger/shard_merchants.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

using namespace acquirer;

namespace {

// The first of a process, which is that of its recovery, and some of the others.
constexpr std::uint64_t turns_between_orphan_checks = 16;

}  // namespace

void World::write_down(const ShardMap::Written& merchants) {
    for (const auto& [merchant, shard] : merchants) {
        shard_checks_->has_merchant(shard, merchant, clock_);
        ledger::Batch batch;
        batch.turn_number = store(shard).disk.last_turn_number() + 1;
        batch.put(ledger::Family::index, ledger::merchant_of_shard_key(merchant),
                  ledger::merchant_row(ledger::plan_of_shard(shard, shards())));
        store(shard).disk.begin_sync(std::move(batch), [] {});
        store(shard).disk.complete_sync();
        const auto written = store(shard).disk.finish_sync();
        ENSURE(written.has_value());
    }
}

void World::start() {
    ++generation_;
    syncs_timed_.assign(shards(), 0);
    turns_of_process_.assign(shards(), 0);
    accepts_new_work_ = true;
    ShardMap::Written merchants;
    std::vector<ledger::Store*> stores;
    for (std::size_t shard = 0; shard < shards(); ++shard) {
        stores.push_back(stores_[shard].get());
        if (const auto added = add_merchants(merchants, *stores.back(), shard, shards()); !added)
            checkers_.broken("shards", added.error().what, clock_);
    }
    check_other_numbers();
    process_ =
        std::make_unique<SwitchProcess>(configuration_, stores, std::move(merchants), vault_file_, *this);
    for (std::size_t shard = 0; shard < shards(); ++shard) {
        store(shard).on_handed_over = [this, shard](const ledger::Batch& batch) {
            SwitchCore& core = process_->shard(shard).core();
            checkers_.batch_handed_over(
                batch, [&core](const auto& visit) { core.visit_decoded_records(visit); }, clock_, shard);
            branches_.written(batch);
            check_seals(batch);
            if (turns_of_process_[shard]++ % turns_between_orphan_checks == 0) check_orphans(shard);
        };
        process_->shard(shard).core().comes_from(comes_from_[shard]);
    }
    if (!process_->recover()) {
        checkers_.broken("I9", "the switch does not start again over its own store", clock_);
        process_.reset();
        return;
    }
    trace("the switch is up");
    for (std::size_t slot = 0; slot < issuer_slots_.size(); ++slot) connect_issuer(slot);
    process_->drive();
    look_after_sync();
}

void World::check_bounds() {
    std::vector<CoreStatus> all;
    for (std::size_t shard = 0; shard < shards(); ++shard)
        all.push_back(process_->shard(shard).core().status());
    shard_checks_->check_bounds(*configuration_, all, clock_);
}

/// Ledgers of several shards are not taken for those of another number of them, once they have work.
void World::check_other_numbers() {
    for (const std::size_t of : {2U, 4U}) {
        if (shards() == 1 || of == shards()) continue;
        bool has_work = false, is_refused = false;
        ShardMap::Written merchants;
        for (std::size_t shard = 0; shard < std::min(of, shards()); ++shard) {
            const auto own = ledger::merchants_of_shard(store(shard), ledger::plan_of_shard(shard, shards()));
            has_work = has_work || (own && !own->empty());
            is_refused = is_refused || !add_merchants(merchants, store(shard), shard, of);
        }
        if (is_refused) checkers_.reached("a start with another number of shards is refused");
        if (has_work && !is_refused)
            checkers_.broken("shards",
                             "a start with " + std::to_string(of) + " shards over the ledgers of " +
                                 std::to_string(shards()) + " is not refused",
                             clock_);
    }
}

void World::check_orphans() {
    for (std::size_t shard = 0; shard < shards(); ++shard) check_orphans(shard);
}

void World::check_orphans(std::size_t shard) {
    const auto report = process_->shard(shard).find_orphans();
    if (!report) return checkers_.broken("I6a", report.error().what, clock_);
    for (const Orphan& orphan : report->orphans) checkers_.broken("I6a", orphan.words, clock_);
}

void World::crash(const Survivors& survivors, std::int64_t downtime_ms) {
    ENSURE(survivors.size() == shards());
    if (!process_) return;
    const std::string phase = process_->status().vault.phase;
    if (phase == "re-sealing" || phase == "checking") checkers_.reached("crash while cards are sealed anew");
    std::string kept;
    for (const std::size_t batches : survivors) kept += (kept.empty() ? "" : ",") + std::to_string(batches);
    if (on_crash) on_crash("crash keep_unsynced=" + kept + " down=" + std::to_string(downtime_ms) + "ms");
    std::string words = "CRASH";
    for (std::size_t shard = 0; shard < shards(); ++shard)  // a failed one too: it may be on the disk or not
        if (store(shard).disk.unsynced_batches() > 0)
            words +=
                (shards() == 1 ? "" : ", shard " + std::to_string(shard)) +
                (survivors[shard] > 0 ? " in a sync whose batch survives" : " in a sync whose batch is lost");
    trace(words);
    ++generation_;
    process_.reset();
    for (const auto& watch : watches_) watch->crashed();
    if (shard_checks_) shard_checks_->crashed();
    for (std::size_t shard = 0; shard < shards(); ++shard) {
        WatchedStore& its = store(shard);
        its.disk.crash(survivors[shard]);
        for (std::size_t left = survivors[shard]; left > 0 && !its.handed_over.empty(); --left)
            batch_durable(shard);
        its.handed_over.clear();
    }
    checkers_.after_crash(clock_);
    branches_.crashed(checkers_.records());
    const std::set<std::uint64_t> broken_off = std::exchange(connections_, {});
    for (const std::uint64_t connection : broken_off) network.close(connection, Side::switch_side);
    for (IssuerSlot& slot : issuer_slots_) slot.connection = 0;
    slot_of_.clear();
    operators_.clear();
    starts_again_ = clock_.plus_ms(downtime_ms);
    at(downtime_ms, [this] {
        if (!process_) start();
    });
}

void World::restore_backup(std::int64_t downtime_ms) {
    if (!process_) return;
    checkers_.reached("restored from a backup");
    for (std::size_t shard = 0; shard < shards(); ++shard) {
        ledger::BackupMark mark;
        mark.id = "backup-" + std::to_string(clock_.ms);
        mark.made = now().utc;
        mark.business_day = process_->shard(shard).core().status().business_date;
        mark.turn = store(shard).disk.last_turn_number();
        comes_from_[shard] = mark;
    }
    crash(Survivors(shards(), 0), downtime_ms);
}

}  // namespace simulation
