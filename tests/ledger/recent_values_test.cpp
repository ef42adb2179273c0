// RecentValues: known, absent, unknown; bounded; what is used stays.
#include <catch2/catch.hpp>

#include "ledger/memory_store.hpp"
#include "ledger/overlay.hpp"
#include "ledger/recent_values.hpp"

using namespace ledger;

TEST_CASE("recent values: a value, a known absence, and nothing known", "[recent]") {
    RecentValues recent;
    recent.put("t1", "one");
    recent.put("t2", std::nullopt);
    REQUIRE(recent.find("t1") != nullptr);
    CHECK(**recent.find("t1") == "one");
    REQUIRE(recent.find("t2") != nullptr);
    CHECK(!recent.find("t2")->has_value());
    CHECK(recent.find("t3") == nullptr);
    recent.put("t1", "two");
    CHECK(**recent.find("t1") == "two");
}

TEST_CASE("recent values: bounded, and what is used outlives what is not", "[recent]") {
    RecentValues recent;
    recent.put("used", "1");
    for (std::size_t i = 0; i < 5 * RecentValues::entries_max; ++i) {
        recent.put("t" + std::to_string(i), "x");
        if (i % 1000 == 0) REQUIRE(recent.find("used") != nullptr);
        REQUIRE(recent.size() <= 2 * RecentValues::entries_max);
    }
    CHECK(recent.find("t0") == nullptr);
}

TEST_CASE("recent values: the overlay serves them and never an older one", "[recent]") {
    MemoryStore store;
    Overlay overlay(store);
    const auto commit = [&] {
        store.begin_sync(overlay.take_batch(), [] {});
        REQUIRE(store.finish_sync());
        overlay.in_flight_done();
    };
    overlay.put(Family::index, "s1", "one");
    commit();
    overlay.reset_counts();
    CHECK(**overlay.get(Family::index, "s1") == "one");
    CHECK(overlay.counts().store_gets == 0);
    overlay.put(Family::index, "s1", "two");
    CHECK(**overlay.get(Family::index, "s1") == "two");
    commit();
    CHECK(**overlay.get(Family::index, "s1") == "two");
    overlay.erase(Family::index, "s1");
    commit();
    CHECK(!overlay.get(Family::index, "s1")->has_value());
}
