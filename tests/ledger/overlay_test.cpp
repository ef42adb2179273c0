// The overlay against a std::map, over the memory store with syncs that end at any moment.
#include <catch2/catch.hpp>

#include "ledger/memory_store.hpp"
#include "ledger/overlay.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::MemoryStore;
using ledger::Overlay;
using ledger::ScanVisitor;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs expected_range(const Model& model, Family family, const std::string& from, const std::string& to) {
    Pairs pairs;
    for (const auto& [key, value] : model.families[static_cast<std::size_t>(family)])
        if (key >= from && (to.empty() || key < to)) pairs.emplace_back(key, value);
    return pairs;
}

/// Collects at most `limit` pairs.
ScanVisitor collect(Pairs& into, std::size_t limit) {
    return [&into, limit](std::string_view key, std::string_view value) {
        into.emplace_back(key, value);
        return into.size() < limit;
    };
}

}  // namespace

TEST_CASE("a step reads what the steps before it wrote") {
    MemoryStore store(MemoryStore::SyncMode::manual);
    Overlay overlay(store);
    overlay.put(Family::index, "k", "1");
    CHECK(*overlay.get(Family::index, "k").value() == "1");
    CHECK_FALSE(overlay.get(Family::journal, "k").value());

    Batch first = overlay.take_batch();
    CHECK(first.turn_number == 1);
    CHECK(overlay.has_in_flight());
    CHECK(*overlay.get(Family::index, "k").value() == "1");
    store.begin_sync(std::move(first), nullptr);

    overlay.erase(Family::index, "k");
    CHECK_FALSE(overlay.get(Family::index, "k").value());

    store.complete_sync();
    REQUIRE(store.finish_sync());
    overlay.in_flight_done();
    CHECK(*store.get(Family::index, "k").value() == "1");
    CHECK_FALSE(overlay.get(Family::index, "k").value());
    CHECK(overlay.take_batch().turn_number == 2);
}

TEST_CASE("a turn that wrote nothing has no batch and uses no number") {
    MemoryStore store;
    Overlay overlay(store);
    CHECK(overlay.take_batch().empty());
    CHECK_FALSE(overlay.has_in_flight());
    overlay.put(Family::journal, "k", "1");
    CHECK(overlay.take_batch().turn_number == 1);
}

TEST_CASE("writes of one key in one turn become one mutation, and the counts tell both") {
    MemoryStore store;
    Overlay overlay(store);
    overlay.put(Family::journal, "k", "1");
    overlay.put(Family::journal, "k", "22");
    overlay.put(Family::index, "i", "3");
    overlay.erase(Family::index, "gone");
    (void)overlay.get(Family::journal, "k");
    (void)overlay.get(Family::journal, "absent");
    const Batch batch = overlay.take_batch();
    REQUIRE(batch.mutations.size() == 3);
    CHECK(*batch.mutations[0].value == "22");
    const ledger::WriteCounts& counts = overlay.counts();
    CHECK(counts.journal_puts == 2);
    CHECK(counts.index_puts == 1);
    CHECK(counts.erases == 1);
    CHECK(counts.gets == 2);
    CHECK(counts.store_gets == 1);
    CHECK(counts.batches == 1);
    CHECK(counts.batch_mutations == 3);
    CHECK(counts.wal_bytes == ledger::wal_bytes_of(batch));
    overlay.reset_counts();
    CHECK(overlay.counts().journal_puts == 0);
}

TEST_CASE("a visitor may write while it visits") {
    MemoryStore store;
    Overlay overlay(store);
    for (char c = 'a'; c < 'g'; ++c) overlay.put(Family::journal, std::string(1, c), "old");
    int visited = 0;
    REQUIRE(overlay.scan(Family::journal, "", "", [&](std::string_view key, std::string_view value) {
        CHECK(value == "old");
        ++visited;
        overlay.put(Family::journal, std::string(key), "new");
        overlay.put(Family::journal, "z" + std::string(key), "added");
        return true;
    }));
    CHECK(visited >= 6);
    CHECK(*overlay.get(Family::journal, "c").value() == "new");
}

TEST_CASE("a store that cannot be read is an error of the overlay's reads too") {
    MemoryStore store;
    Overlay overlay(store);
    overlay.put(Family::journal, "mine", "1");
    store.fail_reads(ledger::StoreError{ledger::StoreError::Kind::io, "injected"});
    CHECK(overlay.get(Family::journal, "mine"));
    CHECK(overlay.get(Family::journal, "other").error().what == "injected");
    CHECK(overlay.scan(Family::journal, "", "", [](auto, auto) { return true; }).error().what == "injected");
    CHECK(overlay.scan_back(Family::journal, "", "", [](auto, auto) { return true; }).error().what ==
          "injected");
}

TEST_CASE("overlay and model agree on random work") {
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        INFO("seed " << seed);
        Rng rng(seed);
        MemoryStore store(MemoryStore::SyncMode::manual, 1 + below(rng, 4));
        Overlay overlay(store);
        Model model;
        for (int step = 0; step < 300; ++step) {
            const Family family = below(rng, 2) == 0 ? Family::journal : Family::index;
            switch (below(rng, 8)) {
                case 0:
                case 1: {
                    const std::string key = random_key(rng);
                    const std::string value = std::to_string(rng());
                    overlay.put(family, key, value);
                    model.families[static_cast<std::size_t>(family)][key] = value;
                    break;
                }
                case 2: {
                    const std::string key = random_key(rng);
                    overlay.erase(family, key);
                    model.families[static_cast<std::size_t>(family)].erase(key);
                    break;
                }
                case 3:
                    if (overlay.has_in_flight() &&
                        (store.syncs_pending() == store.syncs_in_flight_max() || below(rng, 2) == 0)) {
                        store.complete_sync();
                        REQUIRE(store.finish_sync());
                        overlay.in_flight_done();
                    } else if (!overlay.current_empty()) {
                        store.begin_sync(overlay.take_batch(), nullptr);
                    }
                    break;
                case 4: {
                    const std::string key = random_key(rng);
                    const auto& map = model.families[static_cast<std::size_t>(family)];
                    const auto it = map.find(key);
                    const auto got = overlay.get(family, key).value();
                    REQUIRE(got.has_value() == (it != map.end()));
                    if (got) REQUIRE(*got == it->second);
                    break;
                }
                default: {
                    const std::string from = below(rng, 3) == 0 ? "" : random_key(rng);
                    const std::string to = below(rng, 3) == 0 ? "" : random_key(rng);
                    const std::size_t limit = below(rng, 2) == 0 ? 1'000'000 : 1 + below(rng, 5);
                    Pairs expected = expected_range(model, family, from, to);
                    Pairs forward;
                    REQUIRE(overlay.scan(family, from, to, collect(forward, limit)));
                    Pairs backward;
                    REQUIRE(overlay.scan_back(family, from, to, collect(backward, limit)));
                    Pairs reversed(expected.rbegin(), expected.rend());
                    if (expected.size() > limit) {
                        expected.resize(limit);
                        reversed.resize(limit);
                    }
                    REQUIRE(forward == expected);
                    REQUIRE(backward == reversed);
                }
            }
        }
    }
}

TEST_CASE("mutations: copies share, whoever adds to a shared list has one of its own from there") {
    ledger::Mutations first;
    CHECK(first.empty());
    CHECK(first.begin() == first.end());
    first.push_back({{Family::journal, "a"}, "1"});
    const ledger::Mutations shared = first;
    CHECK(&shared[0] == &first[0]);
    first.push_back({{Family::index, "b"}, std::nullopt});
    CHECK(shared.size() == 1);
    REQUIRE(first.size() == 2);
    CHECK(first[0].value == "1");
    CHECK(first[1].key.bytes == "b");
    first.clear();
    CHECK(first.empty());
    CHECK(shared[0].key.bytes == "a");
}
