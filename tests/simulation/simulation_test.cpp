// The simulator under test, and the switch in 100 worlds: a short form of the 2,000 that scripts/test plays
// in a stage of its own, with all branches (docs/testing.md).
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/simulation/branches.hpp"
#include "tests/simulation/run.hpp"
#include "tests/simulation/till.hpp"
#include "tests/simulation/world.hpp"
#include "tests/simulation/world_configuration.hpp"
#include "tests/test_paths.hpp"

namespace {

using namespace simulation;

/// What it reached. `shards`: nothing when the seed says how many.
std::map<std::string, std::uint64_t> check_seed(std::uint64_t seed, std::int64_t bad_weather_ms,
                                                std::optional<std::size_t> shards = {}) {
    RunOptions options;
    options.seed = seed;
    options.bad_weather_ms = bad_weather_ms;
    options.shards = shards;
    const Verdict verdict = run_seed(options);
    for (const Broken& b : verdict.broken)
        FAIL_CHECK("seed " << seed << ", " << b.invariant << " broken: " << b.what
                           << "\n  repeat it: simulate --seed " << seed << " --seconds "
                           << bad_weather_ms / 1'000 << (shards ? " --shards " + std::to_string(*shards) : "")
                           << " --trace");
    return verdict.reached;
}

}  // namespace

TEST_CASE("100 short seeds break no invariant, and reach no branch that cannot be", "[simulation]") {
    const auto lists = read_branch_lists(source_path("tests/simulation"));
    if (!lists) FAIL(lists.error());
    Campaign campaign;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) campaign.add(check_seed(seed, 30'000));
    const BranchReport report = judge_branches(registered_branches(*lists), *lists, campaign);
    CHECK(report.impossible == std::vector<std::string>{});
    CHECK(report.unregistered == std::vector<std::string>{});
}

TEST_CASE("60 seeds with two and with four shards break no invariant", "[simulation]") {
    const std::size_t shards = GENERATE(2U, 4U);
    std::set<std::string> reached;
    for (std::uint64_t seed = 1; seed <= 60; ++seed)
        for (const auto& [name, times] : check_seed(seed, 60'000, shards)) reached.insert(name);
    // What the worlds are there for.
    for (const char* name :
         {"a shard waits while others go on", "keys of an issuer changed for several shards",
          "done in all shards", "a start with another number of shards is refused"}) {
        INFO(name);
        CHECK(reached.contains(name));
    }
}

TEST_CASE("Of two shards the second puts PINs under the key that its issuer has changed", "[simulation]") {
    WorldOptions options;
    options.shards = 2;
    options.merchants = {{iso8583::MerchantId::parse(merchant_unionpay).value(), 1}};
    World world(options);
    Till& till = world.add_till(std::make_unique<Till>(world, till_config(world, 10000001)));
    const auto code_of = [&](peers::Outgoing request) {
        const Till::Asked& asked = till.ask(std::move(request));
        CHECK(world.run_until([&asked] { return asked.answered(); }, 10'000));
        return asked.code();
    };
    const auto sell_with_pin = [&] {
        peers::SaleOptions with_pin;
        with_pin.pin = "1234";
        return code_of(
            till.terminal().sale(iso8583::Pan::parse(cards_a[0]).value(), 10'000, till.utc(), with_pin));
    };
    world.pass(5'000);
    REQUIRE(code_of(till.terminal().sign_on(till.utc())) == "00");
    CHECK(sell_with_pin() == "00");
    world.operate(acquirer::RotateIssuerKey{"issuer-a", hsm::KeyKind::zpk, false}, "security1",
                  acquirer::Role::security_officer, {});
    constexpr std::int64_t nobody_uses_the_old_one_ms = 60'000;
    world.pass(nobody_uses_the_old_one_ms);
    CHECK(world.checkers().all_reached().contains("keys of an issuer changed for several shards"));
    CHECK(sell_with_pin() == "00");
    CHECK(world.checkers().all_reached().contains("a shard beside the first uses a key that was changed"));

    world.crash(World::Survivors{0, 0}, 1'000);
    world.pass(10'000);
    REQUIRE(code_of(till.terminal().sign_on(till.utc())) == "00");
    CHECK(sell_with_pin() == "00");  // the first has found the key in its ledger, and told it again
    for (const Broken& b : world.checkers().all_broken()) FAIL_CHECK(b.invariant << ": " << b.what);
}

TEST_CASE("Seeds that once broke an invariant do not any more", "[simulation]") {
    std::ifstream file(source_path("tests/simulation/seeds.txt"));
    REQUIRE(file.is_open());
    std::size_t seeds = 0;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::uint64_t seed = 0;
        std::int64_t seconds = 0;
        if (!(words >> seed >> seconds)) continue;
        std::size_t shards = 1;
        if (std::size_t said = 0; words >> said) shards = said;
        check_seed(seed, seconds * 1'000, shards);
        ++seeds;
    }
    CHECK(seeds > 0);
}

TEST_CASE("The same seed twice gives the same effects, another seed others", "[simulation]") {
    std::set<std::uint64_t> hashes;
    for (std::uint64_t seed = 901; seed <= 920; ++seed) {
        RunOptions options;
        options.seed = seed;
        options.bad_weather_ms = 20'000;
        const Verdict once = run_seed(options), again = run_seed(options);
        INFO("seed " << seed);
        CHECK(once.effects_hash == again.effects_hash);
        CHECK(once.turns == again.turns);
        CHECK(once.transactions == again.transactions);
        hashes.insert(once.effects_hash);
    }
    CHECK(hashes.size() == 20);
}

TEST_CASE("Who asks again as soon as he is answered does so of the process that answers, though it dies then",
          "[simulation]") {
    World world({});
    world.pass(5'000);
    world.faults.crash_permille = 1'000;
    int answers = 0;
    world.operate(acquirer::AcceptRestore{"every route is reconciled"}, "admin1", acquirer::Role::admin,
                  [&](const acquirer::OperatorAnswer&) {
                      ++answers;
                      world.operate(acquirer::AcceptRestore{"once more"}, "admin1", acquirer::Role::admin,
                                    [&](const acquirer::OperatorAnswer&) { ++answers; });
                      CHECK(world.up());
                  });
    CHECK(answers == 2);
    CHECK_FALSE(world.up());
}

TEST_CASE("A disk that lies about its syncs is found out", "[simulation]") {
    std::set<std::string> invariants;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        RunOptions options;
        options.seed = seed;
        options.bad_weather_ms = 30'000;
        options.lying_disk = true;
        for (const Broken& b : run_seed(options).broken) invariants.insert(b.invariant);
    }
    // What was acknowledged is gone, and what was told to a terminal is not true any more.
    CHECK(invariants.contains("I9"));
}
