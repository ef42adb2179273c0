// The memory store as the simulator uses it: crashes, failures, disks that lie.
#include <catch2/catch.hpp>

#include "ledger/memory_store.hpp"
#include "tests/ledger/store_conformance.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::MemoryStore;
using ledger::StoreError;

namespace {
Batch put(std::uint64_t turn, const std::string& value) {
    return batch_of(turn, {{{Family::journal, "k"}, value}});
}
std::string value_in(const ledger::StoreReader& store) {
    return store.get(Family::journal, "k").value().value_or("none");
}

class MemoryPlace final : public StorePlace {
  public:
    ledger::Store& open() override {
        store_ = closed_ ? std::move(closed_) : std::make_unique<MemoryStore>();
        return *store_;
    }
    void close() override {
        closed_ = store_->copy_durable();
        store_.reset();
    }

  private:
    std::unique_ptr<MemoryStore> store_;
    std::unique_ptr<MemoryStore> closed_;
};

}  // namespace

TEST_CASE("the memory store does what every store must") {
    for (const ConformanceCase& c : conformance_cases()) DYNAMIC_SECTION(c.name) {
            c.run([] { return std::make_unique<MemoryPlace>(); });
        }
}

TEST_CASE("of several syncs under way a crash keeps any first few, and one that fails ends those behind it") {
    for (std::size_t keep = 0; keep <= 3; ++keep) {
        INFO("keep " << keep);
        MemoryStore store(MemoryStore::SyncMode::manual, 3);
        std::vector<int> done;
        for (int turn = 1; turn <= 3; ++turn)
            store.begin_sync(put(static_cast<std::uint64_t>(turn), std::to_string(turn)),
                             [&done, turn] { done.push_back(turn); });
        CHECK(store.syncs_pending() == 3);
        CHECK(store.unsynced_batches() == 3);
        if (keep == 3) {
            store.complete_sync();
            CHECK(done == std::vector<int>{1});
            CHECK(store.finish_sync());
            CHECK(value_in(store) == "1");
            store.fail_next_sync({StoreError::Kind::io, "injected"});
            store.complete_sync();
            store.complete_sync();
            CHECK(done == std::vector<int>{1, 2, 3});
            CHECK_FALSE(store.finish_sync());
            CHECK_FALSE(store.finish_sync());
            CHECK(value_in(store) == "1");
        }
        store.crash(keep);
        CHECK(value_in(store) == (keep == 0 ? "none" : std::to_string(keep)));
        CHECK(store.last_turn_number() == keep);
    }
}

TEST_CASE("a batch is durable when the owner says so") {
    MemoryStore store(MemoryStore::SyncMode::manual);
    bool done = false;
    store.begin_sync(put(1, "1"), [&] { done = true; });
    CHECK(store.sync_pending());
    CHECK_FALSE(done);
    CHECK(value_in(store) == "none");
    CHECK(store.last_turn_number() == 0);
    store.complete_sync();
    CHECK(done);
    CHECK(store.finish_sync());
    CHECK(value_in(store) == "1");
    CHECK(store.last_turn_number() == 1);
}

TEST_CASE("a crash inside a sync keeps the batch or not, as asked, and never calls done") {
    for (const std::size_t keep : {std::size_t{0}, std::size_t{1}, std::size_t{9}}) {
        INFO("keep " << keep);
        MemoryStore store(MemoryStore::SyncMode::manual);
        bool done = false;
        store.begin_sync(put(1, "1"), [&] { done = true; });
        CHECK(store.unsynced_batches() == 1);
        store.crash(keep);
        CHECK_FALSE(done);
        CHECK_FALSE(store.sync_pending());
        CHECK(store.unsynced_batches() == 0);
        CHECK(value_in(store) == (keep == 0 ? "none" : "1"));
        CHECK(store.last_turn_number() == (keep == 0 ? 0U : 1U));
        // The next process goes on where this one is.
        store.set_sync_mode(MemoryStore::SyncMode::immediate);
        CHECK(commit(store, put(store.last_turn_number() + 1, "2")));
        CHECK(value_in(store) == "2");
    }
}

TEST_CASE("a failed sync is final until the crash, which may still find its batch") {
    for (const std::size_t keep : {std::size_t{0}, std::size_t{1}}) {
        MemoryStore store;
        REQUIRE(commit(store, put(1, "1")));
        store.fail_next_sync({StoreError::Kind::disk_full, "injected"});
        const auto failed = commit(store, put(2, "2"));
        REQUIRE_FALSE(failed);
        CHECK(failed.error().kind == StoreError::Kind::disk_full);
        CHECK_FALSE(commit(store, put(2, "again")));
        CHECK_FALSE(commit(store, put(3, "3")));
        CHECK(value_in(store) == "1");
        store.crash(keep);
        CHECK(value_in(store) == (keep == 0 ? "1" : "2"));
        CHECK(commit(store, put(store.last_turn_number() + 1, "4")));
    }
}

TEST_CASE("a disk that lies loses what was acknowledged") {
    MemoryStore store;
    REQUIRE(commit(store, put(1, "1")));
    store.lie_about_syncs(true);
    for (std::uint64_t turn = 2; turn <= 5; ++turn) REQUIRE(commit(store, put(turn, std::to_string(turn))));
    CHECK(value_in(store) == "5");
    CHECK(store.unsynced_batches() == 4);
    store.crash(2);
    CHECK(value_in(store) == "3");
    CHECK(store.last_turn_number() == 3);
}

TEST_CASE("a copy does not follow the store") {
    MemoryStore store;
    REQUIRE(commit(store, put(1, "1")));
    const auto copy = store.copy_durable();
    REQUIRE(commit(store, put(2, "2")));
    CHECK(value_in(*copy) == "1");
    CHECK(commit(*copy, put(2, "other")));
    CHECK(value_in(store) == "2");
}
