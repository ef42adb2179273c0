// Which shard a number is of, and that no two shards give the same.
#include "ledger/number_plan.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "ledger/ledger.hpp"
#include "ledger/memory_store.hpp"
#include "ledger/merged_reader.hpp"
#include "ledger/shard_merchants.hpp"

using ledger::NumberPlan;
using ledger::plan_of_shard;

namespace {

const iso8583::Now noon{{1'000}, {1'795'233'600'000}, 0};
const auto a_merchant = *iso8583::MerchantId::parse("898110157220001");

/// The ledger of one of several shards on a store of its own.
struct Shard {
    Shard(std::size_t index, std::size_t of) : books(overlay, plan_of_shard(index, of)) { books.recover(); }
    void end_turn() {
        books.close_turn();
        if (overlay.current_empty()) return;
        store->begin_sync(overlay.take_batch(), [] {});
        REQUIRE(store->finish_sync());
        overlay.in_flight_done();
    }
    std::shared_ptr<ledger::MemoryStore> store = std::make_shared<ledger::MemoryStore>();
    ledger::Overlay overlay{*store};
    ledger::Ledger books;
};

}  // namespace

TEST_CASE("numbers: the only shard has the plan of old") {
    const NumberPlan plan = plan_of_shard(0, 1);
    CHECK(plan.shard.empty());
    CHECK(plan.stan_from == 1);
    CHECK(plan.stan_to == iso8583::Stan::value_max);
    CHECK(plan.number_after(0) == 1);
    CHECK(plan.number_after(41) == 42);
    CHECK(plan.count_between(3, 10) == 7);
    CHECK_FALSE(plan.has_others());
}

TEST_CASE("numbers: ranges of STANs touch, never overlap, and have room for a second") {
    for (const std::size_t of : {2U, 4U}) {
        std::uint32_t next = ledger::session_stans + 1;
        for (std::size_t index = 0; index < of; ++index) {
            const NumberPlan plan = plan_of_shard(index, of);
            CHECK(plan.stan_from == next);
            CHECK(plan.stan_to - plan.stan_from + 1 >= ledger::stans_a_second_max);
            next = plan.stan_to + 1;
            for (const std::uint32_t stan : {plan.stan_from, plan.stan_to})
                CHECK(ledger::shard_of_stan(iso8583::Stan::of(stan), of) == index);
        }
        CHECK(next == iso8583::Stan::value_max + 1);
        CHECK_FALSE(ledger::shard_of_stan(iso8583::Stan::of(ledger::session_stans), of));
    }
}

TEST_CASE("numbers: what shards give is never equal, and says whose it is") {
    for (const std::size_t of : {2U, 4U}) {
        std::set<std::string> given;
        std::size_t count = 0;
        for (std::size_t index = 0; index < of; ++index) {
            Shard shard(index, of);
            for (int i = 0; i < 100; ++i) {
                const std::string rrn = shard.books.next_rrn(noon).str();
                CHECK(ledger::shard_of_rrn(rrn, of) == index);
                const auto stan = shard.books.next_issuer_numbers(noon).stan;
                CHECK(ledger::shard_of_stan(stan, of) == index);
                const std::string proposal = shard.books.next_proposal_id();
                const std::string dispute = shard.books.next_dispute_id();
                const std::string exception =
                    shard.books
                        .open_exception({std::nullopt, "x" + std::to_string(i), "kind", "R63", ""}, noon.utc)
                        .id;
                for (const std::string& id : {proposal, dispute, exception})
                    CHECK(ledger::shard_of_number(id, of) == index);
                for (const std::string& text : {rrn, stan.str(), proposal, dispute, exception})
                    given.insert(text);
                count += 5;
            }
        }
        CHECK(given.size() == count);
    }
}

TEST_CASE("numbers: what is no number of a shard is nobody's") {
    CHECK(ledger::shard_of_rrn("632600000123", 2) == 0);
    CHECK(ledger::shard_of_rrn("632601000123", 2) == 1);
    CHECK_FALSE(ledger::shard_of_rrn("632602000123", 2));
    CHECK_FALSE(ledger::shard_of_rrn("63260100012", 2));
    for (const char* text : {"", "P", "P1", "P0000000x", "-", "parked"})
        CHECK_FALSE(ledger::shard_of_number(text, 2));
    CHECK(ledger::shard_of_number("P00000003", 2) == 1);
}

TEST_CASE("a shard: its merchants are written down with its first turn, and are another shard's fault") {
    Shard shard(1, 2);
    shard.books.keep_merchant(a_merchant);
    shard.books.keep_merchant(a_merchant);
    shard.end_turn();
    const auto kept = ledger::merchants_of_shard(*shard.store, plan_of_shard(1, 2));
    REQUIRE(kept);
    CHECK(*kept == std::set{a_merchant});
    const auto of_another = ledger::merchants_of_shard(*shard.store, plan_of_shard(0, 2));
    REQUIRE_FALSE(of_another);
    CHECK(of_another.error().what == "the ledger is that of shard 01, not of shard 00");
    const auto of_more = ledger::merchants_of_shard(*shard.store, plan_of_shard(1, 4));
    REQUIRE_FALSE(of_more);
    CHECK(of_more.error().what == "the ledger is that of one of 2 shards, and this switch has 4");
    ledger::Overlay overlay(*shard.store);
    ledger::Ledger in_the_wrong_place(overlay, plan_of_shard(0, 2));
    in_the_wrong_place.recover();
    CHECK(in_the_wrong_place.error());
    Shard only(0, 1);
    only.books.keep_merchant(a_merchant);
    only.end_turn();
    CHECK(only.store->last_turn_number() == 0);  // nothing to write down
}

TEST_CASE("a shard: what was written before rows said how many there are is read") {
    ledger::MemoryStore store;
    ledger::Batch batch;
    batch.turn_number = 1;
    batch.put(ledger::Family::index, ledger::merchant_of_shard_key(a_merchant), "01");
    store.begin_sync(std::move(batch), [] {});
    REQUIRE(store.finish_sync());
    const auto kept = ledger::merchants_of_shard(store, plan_of_shard(1, 2));
    REQUIRE(kept);
    CHECK(*kept == std::set{a_merchant});
    CHECK_FALSE(ledger::merchants_of_shard(store, plan_of_shard(0, 2)));
}

TEST_CASE("a merged reader: all rows of all shards in their order, and a page of them") {
    std::vector<std::shared_ptr<ledger::MemoryStore>> stores;
    ledger::ShardReaders readers;
    constexpr int rows = 300;
    for (int shard = 0; shard < 3; ++shard) {
        auto store = std::make_shared<ledger::MemoryStore>();
        ledger::Batch batch{1, {}};
        // The third has none of its own: what all have under one key is the first's.
        for (int i = shard; i < rows && shard < 2; i += 2) {
            const std::string digits = std::to_string(i);
            batch.put(ledger::Family::journal, "t" + std::string(4 - digits.size(), '0') + digits, "of one");
        }
        batch.put(ledger::Family::journal, "a", "shard " + std::to_string(shard));
        store->begin_sync(std::move(batch), [] {});
        REQUIRE(store->finish_sync());
        readers.push_back(store->snapshot());
        stores.push_back(std::move(store));
    }
    const ledger::MergedReader merged(readers);
    std::vector<std::string> up, down;
    REQUIRE(merged.scan(ledger::Family::journal, "t", "u", [&](std::string_view key, std::string_view) {
        up.emplace_back(key);
        return true;
    }));
    REQUIRE(up.size() == rows);
    CHECK(std::is_sorted(up.begin(), up.end()));
    REQUIRE(merged.scan_back(ledger::Family::journal, "t", "u", [&](std::string_view key, std::string_view) {
        down.emplace_back(key);
        return down.size() < 200;
    }));
    REQUIRE(down.size() == 200);
    CHECK(std::equal(down.begin(), down.end(), up.rbegin()));
    const auto shared = merged.get(ledger::Family::journal, "a");
    REQUIRE(shared);
    CHECK(*shared == "shard 0");
    int same = 0;
    REQUIRE(merged.scan(ledger::Family::journal, "a", "b", [&](std::string_view, std::string_view value) {
        CHECK(value == "shard 0");
        return ++same > 0;
    }));
    CHECK(same == 1);
    CHECK(merged.get(ledger::Family::journal, "t0299").value() == "of one");
    CHECK_FALSE(merged.get(ledger::Family::journal, "t9999").value());
}
