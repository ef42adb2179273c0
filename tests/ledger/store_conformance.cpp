#include "tests/ledger/store_conformance.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "ledger/overlay.hpp"
#include "tests/ledger/store_driver.hpp"

namespace ledger_test {
namespace {

using ledger::Store;
using ledger::StoreReader;
using Pairs = std::vector<std::pair<std::string, std::string>>;
constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

Pairs scanned(const StoreReader& store, bool back, Family family, const std::string& from,
              const std::string& to, std::size_t limit = no_limit) {
    Pairs pairs;
    const auto visit = [&](std::string_view key, std::string_view value) {
        pairs.emplace_back(key, value);
        return pairs.size() < limit;
    };
    const auto read = back ? store.scan_back(family, from, to, visit) : store.scan(family, from, to, visit);
    REQUIRE(read);
    return pairs;
}

/// The same of the model.
Pairs expected(const Model& model, bool back, Family family, const std::string& from, const std::string& to,
               std::size_t limit) {
    Pairs pairs;
    for (const auto& [key, value] : model.families[static_cast<std::size_t>(family)])
        if (key >= from && (to.empty() || key < to)) pairs.emplace_back(key, value);
    if (back) std::reverse(pairs.begin(), pairs.end());
    if (pairs.size() > limit) pairs.resize(limit);
    return pairs;
}

std::optional<std::string> value_of(const StoreReader& store, Family family, const std::string& key) {
    const auto read = store.get(family, key);
    REQUIRE(read);
    return *read;
}

void new_store_is_empty(const StorePlaces& new_place) {
    const auto place = new_place();
    const Store& store = place->open();
    CHECK(store.last_turn_number() == 0);
    CHECK(contents_of(store) == Model{});
    CHECK_FALSE(value_of(store, Family::journal, "k"));
    CHECK_FALSE(value_of(store, Family::index, ""));
    CHECK(store.health().accepts_new_work);
    CHECK(store.health().reason.empty());
}

void batch_is_whole(const StorePlaces& new_place) {
    const auto place = new_place();
    Store& store = place->open();
    std::atomic<int> calls{0};
    std::binary_semaphore done(0);
    Batch batch;
    batch.turn_number = 1;
    batch.put(Family::journal, "k", "journal's");
    batch.put(Family::index, "k", "index's");
    batch.put(Family::index, "twice", "first");
    batch.put(Family::index, "twice", "second");
    batch.put(Family::index, "gone", "put and erased in one batch");
    batch.erase(Family::index, "gone");
    batch.erase(Family::index, "never there");
    batch.put(Family::index, "back", "");
    batch.erase(Family::index, "back");
    batch.put(Family::index, "back", "again");
    store.begin_sync(std::move(batch), [&] {
        ++calls;
        done.release();
    });
    done.acquire();
    REQUIRE(store.finish_sync());
    CHECK(calls == 1);
    CHECK(store.last_turn_number() == 1);
    Model wanted;
    wanted.families[0] = {{"k", "journal's"}};
    wanted.families[1] = {{"back", "again"}, {"k", "index's"}, {"twice", "second"}};
    CHECK(contents_of(store) == wanted);
}

void any_bytes(const StorePlaces& new_place) {
    const std::string large(1U << 20, '\xA5');
    const std::string zeros(3, '\0');
    const std::string last(2, '\xFF');
    const auto place = new_place();
    Store& store = place->open();
    Batch batch;
    batch.turn_number = 1;
    batch.put(Family::journal, "no value", "");
    batch.put(Family::journal, zeros, zeros);
    batch.put(Family::journal, last, large);
    REQUIRE(commit(store, batch));
    const Pairs all = {{zeros, zeros}, {"no value", ""}, {last, large}};
    CHECK(scanned(store, false, Family::journal, "", "") == all);
    CHECK(value_of(store, Family::journal, "no value") == "");
    CHECK(value_of(store, Family::journal, last) == large);
    CHECK_FALSE(value_of(store, Family::journal, zeros.substr(1)));
}

void scans_have_bounds(const StorePlaces& new_place) {
    const auto place = new_place();
    Store& store = place->open();
    Batch batch;
    batch.turn_number = 1;
    for (const char* key : {"a", "b", "ba", "c"}) batch.put(Family::journal, key, key);
    REQUIRE(commit(store, batch));
    const auto keys = [&](bool back, const std::string& from, const std::string& to, std::size_t limit) {
        std::string text;
        for (const auto& [key, value] : scanned(store, back, Family::journal, from, to, limit))
            text += key + " ";
        return text;
    };
    CHECK(keys(false, "", "", no_limit) == "a b ba c ");
    CHECK(keys(true, "", "", no_limit) == "c ba b a ");
    CHECK(keys(false, "b", "c", no_limit) == "b ba ");  // from is in it, to is not
    CHECK(keys(true, "b", "c", no_limit) == "ba b ");
    CHECK(keys(false, "b", "", 2) == "b ba ");  // the visitor stops it
    CHECK(keys(true, "", "c", 2) == "ba b ");
    CHECK(keys(false, "bb", "bc", no_limit).empty());
    CHECK(keys(false, "c", "a", no_limit).empty());
    CHECK(keys(true, "c", "a", no_limit).empty());
}

void agrees_with_map(const StorePlaces& new_place) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        INFO("seed " << seed);
        Rng rng(seed);
        Model model;
        const auto place = new_place();
        Store* store = &place->open();
        for (std::uint64_t turn = 1; turn <= 250; ++turn) {
            const Batch batch = random_batch(rng, turn, 3'000);
            model.apply(batch);
            REQUIRE(commit(*store, batch));
            if (turn % 50 == 0) {
                place->close();
                store = &place->open();
            }
            REQUIRE(store->last_turn_number() == turn);
            const Family family = below(rng, 2) == 0 ? Family::journal : Family::index;
            const std::string key = random_key(rng);
            const auto& of_family = model.families[static_cast<std::size_t>(family)];
            const auto at = of_family.find(key);
            REQUIRE(value_of(*store, family, key) ==
                    (at == of_family.end() ? std::nullopt : std::optional(at->second)));
            const std::string from = below(rng, 3) == 0 ? "" : random_key(rng);
            const std::string to = below(rng, 3) == 0 ? "" : random_key(rng);
            const std::size_t limit = 1 + below(rng, 50);
            for (const bool back : {false, true})
                REQUIRE(scanned(*store, back, family, from, to, limit) ==
                        expected(model, back, family, from, to, limit));
        }
        REQUIRE(contents_of(*store) == model);
    }
}

void snapshot_stays(const StorePlaces& new_place) {
    const auto place = new_place();
    Store& store = place->open();
    REQUIRE(commit(store, batch_of(1, {{{Family::journal, "k"}, "1"}})));
    auto snapshot = store.snapshot();
    REQUIRE(commit(store, batch_of(2, {{{Family::journal, "k"}, "2"}, {{Family::journal, "l"}, "2"}})));
    CHECK(contents_of(store).families[0].size() == 2);
    place->close();
    const auto read = [reader = std::move(snapshot)] {
        return std::pair(contents_of(*reader), scanned(*reader, true, Family::journal, "", ""));
    };
    const auto [seen, backwards] = std::async(std::launch::async, read).get();
    CHECK(seen.families[0] == std::map<std::string, std::string>{{"k", "1"}});
    CHECK(backwards == Pairs{{"k", "1"}});
}

void overlay_and_store(const StorePlaces& new_place) {
    const auto place = new_place();
    Store& store = place->open();
    ledger::Overlay overlay(store);
    Model model;
    Rng rng(3);
    for (int turn = 1; turn <= 300; ++turn) {
        const Batch wanted = random_batch(rng, 0);
        for (const ledger::Mutation& m : wanted.mutations)
            m.value ? overlay.put(m.key.family, m.key.bytes, *m.value)
                    : overlay.erase(m.key.family, m.key.bytes);
        std::binary_semaphore done(0);
        store.begin_sync(overlay.take_batch(), [&done] { done.release(); });
        model.apply(wanted);
        REQUIRE(contents_of(overlay) == model);
        done.acquire();
        REQUIRE(store.finish_sync());
        overlay.in_flight_done();
    }
    CHECK(contents_of(store) == model);
}

void several_in_flight(const StorePlaces& new_place) {
    const auto place = new_place();
    Store& store = place->open();
    ledger::Overlay overlay(store);
    Model model;
    Rng rng(5);
    std::counting_semaphore<> done(0);
    std::size_t in_flight = 0;
    const auto finish_oldest = [&] {
        done.acquire();
        REQUIRE(store.finish_sync());
        overlay.in_flight_done();
        --in_flight;
    };
    for (int turn = 1; turn <= 300; ++turn) {
        const Batch wanted = random_batch(rng, 0);
        for (const ledger::Mutation& m : wanted.mutations)
            m.value ? overlay.put(m.key.family, m.key.bytes, *m.value)
                    : overlay.erase(m.key.family, m.key.bytes);
        if (in_flight == store.syncs_in_flight_max()) finish_oldest();
        store.begin_sync(overlay.take_batch(), [&done] { done.release(); });
        ++in_flight;
        model.apply(wanted);
        REQUIRE(contents_of(overlay) == model);
    }
    while (in_flight > 0) finish_oldest();
    CHECK(contents_of(store) == model);
    CHECK(store.last_turn_number() == 300);
}

}  // namespace

const std::vector<ConformanceCase>& conformance_cases() {
    static const std::vector<ConformanceCase> cases = {
        {"a new store is empty and takes work", new_store_is_empty},
        {"a batch is applied whole and in its order, and done is called once", batch_is_whole},
        {"keys and values may hold any bytes, values none", any_bytes},
        {"scans keep their bounds and stop when told", scans_have_bounds},
        {"it agrees with a std::map on random work, across restarts", agrees_with_map},
        {"a snapshot stays as it was, on another thread, and after the store is gone", snapshot_stays},
        {"overlay and store together show each write once, while the sync is under way", overlay_and_store},
        {"as many syncs as it takes are under way at once and end in their order", several_in_flight},
    };
    return cases;
}

}  // namespace ledger_test
