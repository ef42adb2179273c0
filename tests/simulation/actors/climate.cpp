// Climate: what goes wrong with the machine and its lines, by rates that a seed has or has not: the network,
// the disk, the HSM, the process itself; and outages of each.
#include "tests/simulation/actor.hpp"

namespace simulation {
namespace {

constexpr std::int64_t event_ms_min = 2'000;
constexpr std::int64_t event_ms_max = 20'000;
constexpr std::int64_t disk_full_ms_max = 10'000;
constexpr std::uint32_t syncs_in_flight_most = 4;
constexpr std::int64_t shard_pause_ms_most = 200;
constexpr std::int64_t hsm_down_ms_max = 5'000;
constexpr std::int64_t downtime_ms_max = 15'000;
constexpr std::int64_t long_downtime_ms_max = 40 * 3'600'000LL;  // days end meanwhile

class Climate final : public Actor {
  public:
    explicit Climate(Scene& scene) : world_(scene.world), ticks_(scene, "climate") {
        Swarm& s = scene.swarm;
        Chance size = s.chance("size of climate");
        NetworkFaults& n = world_.network.faults;
        if (s.has("network delay", 700)) n.delay_ms_max = size.between(1, 120);
        n.fragment_permille = s.rate("network fragments", 400, 400);
        n.stall_permille = s.rate("network stalls", 400, 20);
        n.drop_permille = s.rate("network drops", 400, 20);
        n.duplicate_permille = s.rate("network duplicates", 400, 40);
        n.break_permille = s.rate("network breaks", 400, 15);
        WorldFaults& w = world_.faults;
        if (s.has("sync time", 700)) w.sync_ms_max = size.between(1, 20);
        if (s.has("turns in flight", 400)) {
            const std::size_t most = 2 + s.chance("turns in flight").below(syncs_in_flight_most - 1);
            for (std::size_t shard = 0; shard < world_.shards(); ++shard)
                world_.store(shard).disk.set_syncs_in_flight_max(most);
        }
        w.sync_slow_permille = s.rate("slow syncs", 400, 20);
        w.sync_fails_permille = s.rate("failed syncs", 200, 5);
        w.crash_in_sync_permille = s.rate("crashes in syncs", 400, 20);
        w.crash_in_effects_permille = s.rate("crashes in effects", 400, 10);
        w.crash_permille = s.rate("crashes", 400, 4);
        w.downtime_ms_max = size.between(0, downtime_ms_max);
        w.hsm_slow_permille = s.rate("slow HSM", 400, 100);
        w.hsm_slow_ms_max = size.between(1, 3'000);
        w.hsm_fails_permille = s.rate("failing HSM", 400, 15);
        w.hsm_wrong_permille = s.rate("wrong HSM", 200, 10);
        if (world_.shards() > 1) {
            w.shard_pauses_permille = s.rate("shards wait", 700, 200);
            w.shard_pause_ms_max = s.chance("size of shards' pauses").between(1, shard_pause_ms_most);
        }
        disk_fills_ = s.has("full disk", 500);
        hsm_goes_ = s.has("HSM outages", 400);
        sleeps_ = s.has("long downtimes", 150);
    }
    void start() override {
        ticks_.start(event_ms_min, event_ms_max, [this](Chance& chance) { happen(chance); });
    }
    void calm() override {
        ticks_.stop();
        world_.network.faults = {};
        world_.faults = {};
        world_.hsm_up = true;
        world_.set_accepts_new_work(true);
    }

  private:
    void happen(Chance& chance) {
        switch (chance.below(4)) {
            case 0:
                if (!disk_fills_) return;
                ticks_.did("disk full");
                world_.set_accepts_new_work(false);
                return world_.at(chance.between(0, disk_full_ms_max), [this] {
                    ticks_.did("disk ok");
                    world_.set_accepts_new_work(true);
                });
            case 1:
                if (!hsm_goes_) return;
                ticks_.did("hsm down");
                world_.hsm_up = false;
                return world_.at(chance.between(0, hsm_down_ms_max), [this] {
                    ticks_.did("hsm up");
                    world_.hsm_up = true;
                });
            case 2: {
                if (!sleeps_ || !chance.permille(300)) return;
                const std::int64_t down_ms = chance.between(0, long_downtime_ms_max);
                world_.checkers().reached("long downtime");
                return world_.crash(world_.some_unsynced(chance), down_ms);
            }
            default:
                return;
        }
    }

    World& world_;
    Ticks ticks_;
    bool disk_fills_ = false, hsm_goes_ = false, sleeps_ = false;
};

const ActorKind here("climate", make<Climate>);

}  // namespace
}  // namespace simulation
