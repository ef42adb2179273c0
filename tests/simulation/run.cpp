#include "tests/simulation/run.hpp"

#include <algorithm>
#include <memory>

#include "tests/simulation/cashier.hpp"
#include "tests/simulation/weather.hpp"

namespace simulation {

using acquirer::Configuration;

namespace {

constexpr std::int64_t drain_ms = 15 * 60'000;
constexpr std::int64_t probe_ms = 30'000;

constexpr std::uint32_t till_numbers[] = {10000001, 10000002, 20000001, 20000002, 50000001, 60000001};

/// Policy differs from seed to seed.
void choose_policy(Configuration& c, Chance chance) {
    for (auto& [id, merchant] : c.merchants) {
        merchant.refund.repeat_refund_seconds = chance.permille(300) ? 300 : 0;
        if (chance.permille(400)) merchant.refund.approval_amount_above = 20'000;
        if (chance.permille(300)) merchant.refund.approval_keyed_amount_above = 2'000;
        if (chance.permille(100)) merchant.refund.window_days = 0;
    }
    c.refund_reversal_allowed = chance.permille(800);
    if (chance.permille(300)) change_routes(c, [](routing::Route& r) { r.blind_reversal = true; });
}

void final_checks(World& world) {
    Checkers& checkers = world.checkers();
    const iso8583::Instant at = world.now().instant;
    checkers.check_whole_store(at);
    checkers.check_drained(at);
    for (const routing::RouteId route : {route_a, route_b})
        checkers.check_books(route, world.issuer(route).books(), at);
    if (!world.up()) return checkers.broken("liveness", "the switch is not up", at);
    world.check_orphans();
    const acquirer::CoreStatus status = world.process().core().status();
    if (status.pending != 0)
        checkers.broken("liveness", std::to_string(status.pending) + " transactions are pending", at);
    for (const acquirer::RouteStatus& route : status.routes) {
        const routing::RouteId id = world.configuration().routes.find(route.name)->id;
        if (route.queued_advices != 0 && !checkers.has_waiting_forever(id))
            checkers.broken("liveness",
                            std::to_string(route.queued_advices) + " advices are queued for " + route.name,
                            at);
        if (route.in_flight != 0)
            checkers.broken(
                "liveness",
                std::to_string(route.in_flight) + " requests are counted in flight to " + route.name, at);
    }
}

}  // namespace

Verdict run_seed(const RunOptions& options) {
    WorldOptions world_options;
    world_options.seed = options.seed;
    world_options.trace = options.trace;
    Chance chance(options.seed ^ 0x5EED);
    const Chance policy = chance.split();
    world_options.adjust = [policy](Configuration& c) { choose_policy(c, policy); };
    World world(world_options);
    world.store.disk.lie_about_syncs(options.lying_disk);

    std::map<std::string, Shop> shops;
    std::vector<std::unique_ptr<Cashier>> cashiers;
    CashierHabits habits;
    habits.retries_permille = chance.below(500);
    habits.magic_permille = chance.permille(500) ? 60 : 0;
    for (const std::uint32_t number : till_numbers) {
        Till& till = world.add_till(std::make_unique<Till>(world, till_config(world, number)));
        Shop& shop = shops[till.terminal().config().merchant.str()];
        cashiers.push_back(std::make_unique<Cashier>(world, till, shop, habits, chance.split()));
        cashiers.back()->start();
    }
    Weather weather(world, chance.split(), Chance(options.seed ^ 0x2A5));
    weather.start();
    world.pass(options.bad_weather_ms);

    world.trace("---- calm");
    weather.calm();
    for (const auto& cashier : cashiers) cashier->stop();
    world.pass(drain_ms);
    const auto failed = [&world](const std::string& what) {
        world.checkers().broken("liveness", what, world.now().instant);
    };
    for (const auto& cashier : cashiers) {
        if (!cashier->quiet()) failed("a terminal still waits for an answer");
        cashier->probe(failed);
    }
    world.run_until(
        [&] {
            return std::all_of(cashiers.begin(), cashiers.end(), [](const auto& c) { return c->probed(); });
        },
        probe_ms);
    for (const auto& cashier : cashiers)
        if (!cashier->probed()) failed("a terminal gets no answer though nothing is wrong");
    world.pass(probe_ms);
    final_checks(world);

    Verdict verdict;
    verdict.seed = options.seed;
    verdict.turns = world.turns();
    verdict.effects_hash = world.effects_hash();
    verdict.transactions = world.checkers().records().size();
    verdict.broken = world.checkers().all_broken();
    verdict.reached = world.checkers().all_reached();
    world.branches().add_to(verdict.reached);
    return verdict;
}

}  // namespace simulation
