// An adversary at full strength is the only trouble of these worlds: honest terminals sell, refund, void,
// reverse and settle in a steady rhythm, and must not feel him. ADVERSARY_SEEDS=N looks at more seeds,
// ADVERSARY_SEED=S at one, with a trace.
#include <cstdlib>
#include <iostream>

#include <catch2/catch.hpp>

#include "tests/simulation/actors/adversary.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {
namespace {

constexpr std::uint64_t seeds_usual = 30;
constexpr std::int64_t trouble_ms = 60'000;
constexpr std::int64_t drain_ms = 60'000;
constexpr std::int64_t patience_ms = 3'000;
constexpr std::int64_t pause_ms_min = 300, pause_ms_max = 1'200;
constexpr std::int64_t sale_minor = 10'000;

/// A terminal that does its work and expects every answer to be 00.
class SteadyTill {
  public:
    SteadyTill(World& world, Till& till, Chance chance) : world_(world), till_(till), chance_(chance) {
        till_.on_answer = [this](Till::Asked& asked) { answered(asked); };
        rest();
    }
    void stop() { stopped_ = true; }

  private:
    void rest() {
        world_.at(chance_.between(pause_ms_min, pause_ms_max), [this] { next(); });
    }
    void next() {
        if (waiting_ != nullptr && world_.now().instant.ms - waiting_->first_sent.ms > patience_ms)
            wrong("no answer to", *waiting_);
        if (waiting_ == nullptr && !stopped_) act();
        rest();
    }
    void wrong(const std::string& what, const Till::Asked& asked) {
        world_.checkers().broken("work",
                                 "terminal " + till_.terminal().config().terminal.str() + ": " + what +
                                     " a " + std::string(peers::name(asked.sent().transaction)) + ", DE11 " +
                                     asked.sent().stan.str(),
                                 world_.now().instant);
    }
    void ask(peers::Outgoing out) { waiting_ = &till_.ask(std::move(out), chance_.below(Till::lines)); }
    void act() {
        peers::Terminal& t = till_.terminal();
        const iso8583::UtcTime utc = till_.utc();
        if (!t.has_keys() || chance_.permille(40)) return ask(t.sign_on(utc));
        if (chance_.permille(20)) till_.drop_line(chance_.below(Till::lines));
        if (chance_.permille(70)) return ask(t.settlement(t.totals(), utc));
        const std::uint32_t what = chance_.below(4);
        if (!sale_ || !sale_->answers.front().receipt || what == 0) {
            const auto* cards = chance_.permille(500) ? cards_a : cards_b;
            ask(t.sale(iso8583::Pan::parse(cards[chance_.below(3)]).value(), sale_minor, utc));
            sale_ = waiting_;
            return;
        }
        const Till::Asked& sale = *std::exchange(sale_, nullptr);
        // What stands in a settled batch is neither voided nor reversed.
        const bool same_batch = settled_since_sale_ == settlements_;
        if (what == 2 && same_batch) return ask(t.void_sale(*sale.answers.front().receipt, utc));
        if (what == 3 && same_batch) return ask(t.reversal(sale.tries.front(), "98", utc));
        ask(t.refund(*sale.answers.front().receipt, sale_minor / 2, utc));
    }
    void answered(Till::Asked& asked) {
        if (&asked != waiting_) return;
        waiting_ = nullptr;
        if (asked.code() != "00") wrong("answered " + asked.code(), asked);
        if (asked.sent().transaction == peers::Transaction::settlement) ++settlements_;
        if (asked.sent().transaction == peers::Transaction::sale) settled_since_sale_ = settlements_;
    }

    World& world_;
    Till& till_;
    Chance chance_;
    Till::Asked* waiting_ = nullptr;
    Till::Asked* sale_ = nullptr;
    std::uint64_t settlements_ = 0, settled_since_sale_ = 0;
    bool stopped_ = false;
};

/// The MAC of the unionpay-pos terminals: ecb's traffic is protected, that of the others he overhears.
void choose_macs(acquirer::Configuration& configuration, std::uint64_t seed) {
    constexpr hsm::MacAlgorithm algorithms[] = {hsm::MacAlgorithm::unionpay_ecb, hsm::MacAlgorithm::retail,
                                                hsm::MacAlgorithm::aes_cmac};
    for (acquirer::TerminalRange& range : configuration.terminals)
        if (range.profile == acquirer::Profile::unionpay_pos) range.mac.algorithm = algorithms[seed % 3];
}

struct Outcome {
    std::vector<Broken> broken;
    std::uint64_t records = 0, acts = 0, turns = 0;
};

Outcome play(std::uint64_t seed, const AdversaryMeans& means, bool trace) {
    WorldOptions options;
    options.seed = seed;
    options.adjust = [seed](acquirer::Configuration& c) { choose_macs(c, seed); };
    if (trace) options.trace = [](const std::string& line) { std::cerr << line << "\n"; };
    World world(options);
    Swarm swarm(seed, {});
    Story story;
    Scene scene{world, swarm, story, {}};
    std::vector<std::unique_ptr<SteadyTill>> steady;
    Chance chance(seed);
    for (const std::uint32_t number : {10000001U, 10000002U, 20000001U, 20000002U}) {
        Till& till = world.add_till(std::make_unique<Till>(world, till_config(world, number)));
        scene.tills.push_back(&till);
        steady.push_back(std::make_unique<SteadyTill>(world, till, chance.split()));
    }
    const auto adversary = make_adversary(scene, means);
    adversary->start();
    world.pass(trouble_ms);
    adversary->calm();
    world.pass(drain_ms / 2);
    for (const auto& till : steady) till->stop();
    world.pass(drain_ms);
    world.checkers().check_whole_store(world.now().instant);
    world.checkers().check_drained(world.now().instant);
    CHECK(adversary->quiet());
    for (const routing::RouteId route : {route_a, route_b})
        world.checkers().check_books(route, world.issuer(route).books(), world.now().instant);
    return {world.checkers().all_broken(), world.checkers().records().size(), story.acts.size(),
            world.turns()};
}

void check_seed(std::uint64_t seed, const AdversaryMeans& means, bool trace = false) {
    const Outcome outcome = play(seed, means, trace);
    INFO("seed " << seed);
    CHECK(outcome.records > 50);
    CHECK(outcome.acts > 100);
    for (const Broken& b : outcome.broken) {
        INFO(b.invariant << ": " << b.what << " at " << b.at.ms);
        CHECK(false);
    }
}

std::uint64_t number_of_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST_CASE("Honest terminals work on beside an adversary, and nothing comes of what he sends",
          "[simulation][adversary]") {
    if (const std::uint64_t seed = number_of_environment("ADVERSARY_SEED", 0); seed != 0)
        return check_seed(seed, AdversaryMeans{}, true);
    const std::uint64_t seeds = number_of_environment("ADVERSARY_SEEDS", seeds_usual);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) check_seed(seed, AdversaryMeans{});
}

TEST_CASE("Honest terminals work on beside an adversary at many addresses", "[simulation][adversary]") {
    AdversaryMeans means;
    means.addresses = 64;
    for (std::uint64_t seed = 1; seed <= number_of_environment("ADVERSARY_SEEDS", seeds_usual) / 3; ++seed)
        check_seed(1'000 + seed, means);
}

}  // namespace
}  // namespace simulation
