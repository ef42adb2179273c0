#include "tests/simulation/run.hpp"

#include <algorithm>
#include <memory>

#include "ledger/vault_books.hpp"
#include "tests/simulation/calendar.hpp"
#include "tests/simulation/till.hpp"
#include "tests/simulation/world.hpp"
#include "tests/simulation/world_configuration.hpp"
#include "tests/simulation/zones.hpp"

namespace simulation {

using acquirer::Configuration;

namespace {

constexpr std::int64_t drain_ms = 15 * 60'000;
constexpr std::int64_t probe_ms = 30'000;
constexpr std::int64_t downtime_ms_max = 48 * 3'600'000LL;

constexpr std::uint32_t till_numbers[] = {10000001, 10000002, 20000001, 20000002, 50000001, 60000001};

/// What merchants pay and what their reserve keeps back; from a chance of its own.
void choose_money(Configuration& c, Swarm& swarm) {
    using namespace acquirer;
    Chance chance = swarm.chance("money");
    for (auto& [id, merchant] : c.merchants) {
        RefundPolicy& p = merchant.refund;
        static constexpr ledger::FeeReturn returns[] = {ledger::FeeReturn::keep,
                                                        ledger::FeeReturn::return_proportional,
                                                        ledger::FeeReturn::return_on_full};
        p.fee_on_refund = returns[chance.below(3)];
        constexpr std::int64_t tier_minor = 5'000;
        if (chance.permille(700))
            merchant.fees[ledger::Instrument::card] = {
                {tier_minor, static_cast<std::uint32_t>(chance.between(0, 200))},
                {0, static_cast<std::uint32_t>(chance.between(0, 200))}};
        if (!chance.permille(250)) continue;
        p.funding = RefundFunding::reserve;
        p.on_short = chance.permille(600) ? OnCaution::hold : OnCaution::refuse;
        p.reserve_percent = static_cast<std::uint32_t>(chance.between(1, 100));
        if (chance.permille(500)) p.reserve_max = chance.between(100, 50'000);
    }
}

/// Policies differ from seed to seed.
void choose_policy(Configuration& c, Swarm& swarm) {
    using namespace acquirer;
    Chance chance = swarm.chance("policies");
    for (auto& [id, merchant] : c.merchants) {
        RefundPolicy& p = merchant.refund;
        p.repeat_refund_seconds = chance.permille(300) ? 300 : 0;
        if (chance.permille(400)) p.approval_amount_above = 20'000;
        if (chance.permille(300)) p.approval_keyed_amount_above = 2'000;
        if (chance.permille(100)) p.window_days = 0;
        if (chance.permille(150)) p.before_settlement = RefundBeforeSettlement::turn_into_void;
        if (chance.permille(100)) p.before_settlement = RefundBeforeSettlement::suggest_void;
        if (chance.permille(100)) p.approval_age_days = 1;
    }
    choose_money(c, swarm);
    c.refund_reversal_allowed = !swarm.has("no reversals of refunds", 200);
    constexpr std::int32_t usual_sign_on_burst = 3;
    if (swarm.has("few sign-ons", 300)) c.limits.sign_on_burst = usual_sign_on_burst;
    if (swarm.has("proposals lapse", 200)) c.limits.proposal_expires_hours = 1;
    if (swarm.has("cases expire", 200)) c.limits.case_expires_days = 1;
}

/// How each route asks its issuer.
void choose_routes(Configuration& c, Swarm& swarm) {
    change_routes(c, [&swarm](routing::Route& r) {
        const std::string name = r.name + " ";
        if (swarm.has(name + "other refund mode", 250))
            r.refund_mode = r.refund_mode == routing::RefundMode::advice ? routing::RefundMode::online
                                                                         : routing::RefundMode::advice;
        if (swarm.has(name + "other void mode", 250))
            r.void_mode = r.void_mode == routing::VoidMode::reversal_0420 ? routing::VoidMode::online_0200
                                                                          : routing::VoidMode::reversal_0420;
        if (swarm.has(name + "dual message", 250)) r.sale_mode = routing::SaleMode::authorization_0100;
        if (swarm.has(name + "online voids of authorizations", 400))
            r.authorization_void_mode = routing::AuthorizationVoidMode::online_0100;
        if (swarm.has(name + "short authorizations", 200)) r.authorization_days = 1;
        r.reverse_lapsed = swarm.has(name + "lapses are reversed", 300);
        r.blind_reversal = swarm.has(name + "blind reversals", 300);
        r.partial_approval = swarm.has(name + "partial approvals", 500);
        if (swarm.has(name + "few attempts", 300)) r.advice_attempts_max = 2;
        if (swarm.has(name + "early stale", 200)) r.stale_after_minutes = 1;
        if (swarm.has(name + "foreign half", 250)) r.settlement_half = routing::SettlementHalf::foreign;
        if (swarm.has(name + "own word for not found", 250)) r.codes.reversal_not_found = {"14", "25", "76"};
        if (swarm.has(name + "narrow", 150)) r.in_flight_max = r.advices_in_flight_max = 2;
    });
}

/// R80: a refund may be processed for days, which is no stall as long as its wallet says so and is asked at
/// the route's pace. How many of them wait for their next question.
std::uint32_t check_processing(World& world, const routing::Route& route) {
    using ledger::State;
    std::uint32_t waiting = 0;
    for (const auto& [rrn, r] : world.checkers().records()) {
        if (r.state != State::processing || routing::RouteId{r.route} != route.id) continue;
        ++waiting;
        const auto said = iso8583::ResponseCode::parse(r.advice.last_code);
        const bool says_so =
            said && (route.codes.advice_processing.contains(*said) || route.codes.retry.contains(*said));
        const std::int64_t since_ms = world.now().utc.ms - r.updated.ms;
        const bool asked =
            since_ms <= std::int64_t{route.wallet.poll_seconds} * 1'000 + route.reply_timeout_ms;
        if (!says_so || !asked)
            world.checkers().broken(
                "liveness",
                "refund " + rrn.str() + " is processing, " +
                    (asked ? "though the wallet said " + r.advice.last_code
                           : "and its wallet was not asked for " + std::to_string(since_ms) + " ms"),
                world.now().instant);
    }
    return waiting;
}

void final_checks(World& world) {
    Checkers& checkers = world.checkers();
    const iso8583::Instant at = world.now().instant;
    checkers.check_whole_store(at);
    checkers.check_drained(at);
    for (std::size_t shard = 0; shard < world.shards(); ++shard) {
        const auto seals =
            ledger::find_seal_faults(world.store(shard).disk, ledger::PanVault(world.vault_file()));
        if (!seals) checkers.broken("vault", seals.error().what, at);
        for (const std::string& fault : seals ? seals->faults : std::vector<std::string>())
            checkers.broken("vault", fault, at);
    }
    for (const routing::RouteId route : all_routes)
        if (!world.issuer(route).has_forgotten())
            checkers.check_books(route, world.issuer(route).books(), at);
    if (!world.up()) return checkers.broken("liveness", "the switch is not up", at);
    world.check_orphans();
    for (const DayWatch& days : world.days())
        if (const auto what = days.missed(world.configuration(), world.now().utc))
            checkers.broken("days", *what, at);
    const acquirer::CoreStatus status = world.process().status();
    world.notices().check_end(status.notices_waiting, at);
    if (status.pending != 0)
        checkers.broken("liveness", std::to_string(status.pending) + " transactions are pending", at);
    for (const acquirer::RouteStatus& route : status.routes) {
        const routing::Route& its = *world.configuration().routes.find(route.name);
        const std::uint32_t processing = check_processing(world, its);
        if (route.queued_advices != processing && !checkers.has_waiting_forever(its.id))
            checkers.broken("liveness",
                            std::to_string(route.queued_advices) + " advices are queued for " + route.name +
                                ", " + std::to_string(processing) + " of them processing",
                            at);
        if (route.in_flight != 0)
            checkers.broken(
                "liveness",
                std::to_string(route.in_flight) + " requests are counted in flight to " + route.name, at);
    }
}

/// Most worlds have one shard, as most switches have.
std::size_t choose_shards(Swarm& swarm, std::optional<std::size_t> wanted) {
    const bool two = swarm.has("two shards", 80), four = swarm.has("four shards", 80);
    return wanted.value_or(four ? 4 : two ? 2 : 1);
}

/// Ledgers may say of a merchant that it is elsewhere than where it would be put now.
acquirer::ShardMap::Written choose_places(Swarm& swarm, std::size_t shards) {
    acquirer::ShardMap::Written places;
    if (!swarm.has("merchants assigned otherwise", 500)) return places;
    Chance chance = swarm.chance("places of merchants");
    const auto configuration = world_configuration();
    for (const auto& [id, merchant] : configuration->merchants)
        if (chance.permille(500)) places[id] = chance.below(static_cast<std::uint32_t>(shards));
    return places;
}

}  // namespace

Verdict run_seed(const RunOptions& options) {
    Swarm swarm(options.seed, options.without);
    Story story;
    story.left_out = options.left_out;
    WorldOptions world_options;
    world_options.seed = options.seed;
    world_options.trace = options.trace;
    const Calendar calendar = choose_calendar(swarm);
    world_options.starts = calendar.starts;
    world_options.adjust = [&](Configuration& c) {
        choose_policy(c, swarm);
        choose_routes(c, swarm);
        change_routes(c, [&](routing::Route& route) {
            const auto at = options.dialects.find(route.name);
            if (at != options.dialects.end()) route.dialect = at->second;
        });
        c.cutover_at_minute = calendar.cutover_at_minute;
        if (!calendar.berlin) return;
        c.zone = "Europe/Berlin";
        c.time_zone = berlin();
    };
    world_options.shards = choose_shards(swarm, options.shards);
    if (world_options.shards > 1) world_options.merchants = choose_places(swarm, world_options.shards);
    World world(world_options);
    world.on_crash = [&story, &world](const std::string& line) {
        story.acts.push_back({{"crash", 0}, world.now().instant, line});
    };
    for (std::size_t shard = 0; shard < world.shards(); ++shard)
        world.store(shard).disk.lie_about_syncs(options.lying_disk);

    Scene scene{world, swarm, story, {}};
    for (const std::uint32_t number : till_numbers)
        scene.tills.push_back(&world.add_till(std::make_unique<Till>(world, till_config(world, number))));
    std::vector<std::unique_ptr<Actor>> actors;
    for (const auto& [name, make] : actor_kinds()) actors.push_back(make(scene));
    for (const auto& actor : actors) actor->start();
    world.pass(options.bad_weather_ms);
    // It may sleep for longer than that.
    world.run_until([&world] { return world.up(); }, downtime_ms_max);

    world.trace("---- calm");
    for (const auto& actor : actors) actor->calm();
    world.pass(drain_ms);
    const auto all_quiet = [&] {
        return std::all_of(actors.begin(), actors.end(), [](const auto& a) { return a->quiet(); });
    };
    if (!all_quiet())
        world.checkers().broken("liveness", "a terminal still waits for an answer", world.now().instant);
    for (const auto& actor : actors) actor->probe();
    if (!world.run_until(all_quiet, probe_ms))
        world.checkers().broken("liveness", "a terminal gets no answer though nothing is wrong",
                                world.now().instant);
    for (const auto& actor : actors) actor->end_what_waits();
    world.pass(probe_ms);
    for (const auto& actor : actors) actor->judge();
    final_checks(world);

    Verdict verdict;
    verdict.seed = options.seed;
    verdict.turns = world.turns();
    verdict.effects_hash = world.effects_hash();
    verdict.transactions = world.checkers().records().size();
    verdict.broken = world.checkers().all_broken();
    verdict.reached = world.checkers().all_reached();
    world.branches().add_to(verdict.reached);
    verdict.present = swarm.present();
    verdict.acts = std::move(story.acts);
    return verdict;
}

}  // namespace simulation
