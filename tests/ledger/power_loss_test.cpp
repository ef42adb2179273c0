// No batch whose done was signalled is lost, wherever the power is cut. And the proof that this test can
// fail: with syncs made empty it finds losses.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "ledger/rocks_store.hpp"
#include "tests/ledger/fault_file_system.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::RocksStore;
using ledger::RocksStoreOptions;

namespace {

constexpr std::uint64_t turns = 60;
constexpr std::uint64_t crash_points_of_a_change = 120;
constexpr std::uint64_t crash_points_min = 40;

/// POWER_LOSS_POINTS: scripts/nightly asks for more.
std::uint64_t crash_points() {
    const char* wanted = std::getenv("POWER_LOSS_POINTS");
    return wanted == nullptr ? crash_points_of_a_change
                             : std::max<std::uint64_t>(crash_points_min, std::strtoull(wanted, nullptr, 10));
}

RocksStoreOptions options_in(const TempDirectory& directory) {
    RocksStoreOptions options;
    options.directory = directory.path("ledger");
    // Small, so that memtables are flushed, logs rolled and tables merged within a few turns.
    options.memtable_bytes = 64 << 10;
    options.wal_bytes_max = 96 << 10;
    options.block_cache_bytes = 1 << 20;
    options.disk_free_bytes_min = 0;
    options.health_poll_ms = 10'000;
    return options;
}

struct Run {
    std::vector<Batch> batches;      // handed over, in order
    std::uint64_t acknowledged = 0;  // the last turn whose sync ended well
};

/// Works until the turns are done or the power is off.
Run work(const RocksStoreOptions& options, rocksdb::Env& env, std::uint64_t seed) {
    Run run;
    Rng rng(seed);
    const auto store = RocksStore::open_on(options, env);
    if (!store) return run;
    for (std::uint64_t turn = 1; turn <= turns; ++turn) {
        run.batches.push_back(random_batch(rng, turn, 2'000));
        if (!commit(**store, run.batches.back())) break;
        run.acknowledged = turn;
    }
    return run;
}

/// What is wrong with the store after the cut; empty when nothing is.
std::string inspect(const RocksStoreOptions& options, const Run& run) {
    const auto store = RocksStore::open(options);
    if (!store) return "it cannot be opened: " + store.error().what;
    const std::uint64_t recovered = (*store)->last_turn_number();
    if (recovered < run.acknowledged)
        return "turn " + std::to_string(run.acknowledged) + " was acknowledged, turn " +
               std::to_string(recovered) + " is the last there is";
    if (recovered > run.batches.size()) return "it has turns that nobody wrote";
    Model expected;
    for (std::uint64_t turn = 1; turn <= recovered; ++turn) expected.apply(run.batches[turn - 1]);
    if (!(contents_of(**store) == expected))
        return "its contents are not those after turn " + std::to_string(recovered);
    Batch next;
    next.turn_number = recovered + 1;
    next.put(Family::journal, "after the cut", "x");
    if (const auto committed = commit(**store, next); !committed)
        return "it takes no more work: " + committed.error().what;
    return "";
}

struct Campaign {
    std::uint64_t points = 0;
    std::vector<std::string> faults;
    std::uint64_t acknowledged_in_all = 0;
};

enum class Syncs : std::uint8_t { honest, empty };

Campaign run_campaign(std::uint64_t points, Syncs syncs) {
    Campaign campaign;
    std::uint64_t operations = 0;
    {
        const TempDirectory directory;
        const auto fs = std::make_shared<FaultFileSystem>();
        FaultEnv env(fs);
        REQUIRE(work(options_in(directory), env, 1).acknowledged == turns);
        operations = fs->operations();
    }
    REQUIRE(operations > turns * 2);
    for (std::uint64_t point = 0; point < points; ++point) {
        const TempDirectory directory;
        auto options = options_in(directory);
        const auto fs = std::make_shared<FaultFileSystem>();
        FaultEnv env(fs);
        if (syncs == Syncs::empty) fs->make_syncs_empty();
        fs->cut_power_at(1 + point * operations / points);
        const Run run = work(options, env, point);
        Rng chance(point);
        fs->take_unsynced_away(chance);
        // Every other time without the acknowledged-turn file, so that the store cannot lean on it.
        if (point % 2 == 1) std::filesystem::remove(options.directory + "/acknowledged");
        options.take_as_is = point % 2 == 1;
        ++campaign.points;
        campaign.acknowledged_in_all += run.acknowledged;
        if (const std::string fault = inspect(options, run); !fault.empty())
            campaign.faults.push_back("crash point " + std::to_string(point) + ": " + fault);
    }
    return campaign;
}

}  // namespace

TEST_CASE("no acknowledged batch is lost wherever the power is cut") {
    const Campaign campaign = run_campaign(crash_points(), Syncs::honest);
    for (const std::string& fault : campaign.faults) UNSCOPED_INFO(fault);
    CHECK(campaign.faults.empty());
    CHECK(campaign.points == crash_points());
    // The cuts fall into the work and not only into creating the store.
    CHECK(campaign.acknowledged_in_all > campaign.points * turns / 4);
}

TEST_CASE("with syncs made empty the same cuts lose batches, and that is noticed") {
    const Campaign campaign = run_campaign(crash_points_min, Syncs::empty);
    CHECK(campaign.faults.size() > crash_points_min / 2);
    bool noticed_without_the_file = false;
    bool noticed_by_the_file = false;
    for (const std::string& fault : campaign.faults) {
        noticed_without_the_file |= fault.find("is the last there is") != std::string::npos;
        noticed_by_the_file |= fault.find("could be recovered only up to turn") != std::string::npos;
    }
    CHECK(noticed_without_the_file);
    CHECK(noticed_by_the_file);
}
