// What is called new must be in no table: a row that is there would end the switch.
#include <catch2/catch.hpp>
#include <deque>
#include <set>
#include <string>

#include "ledger/memory_store.hpp"
#include "ledger/new_keys.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::Key;
using ledger::MemoryStore;
using ledger::NewKeys;

namespace {

Key journal(std::string bytes) { return {Family::journal, std::move(bytes)}; }

Batch put(std::uint64_t turn, const Key& key) { return batch_of(turn, {{key, "v"}}); }

class BrokenReader final : public ledger::StoreReader {
  public:
    [[nodiscard]] iso8583::Result<std::optional<std::string>, ledger::StoreError> get(
        Family, std::string_view) const override {
        return broken();
    }
    iso8583::Result<void, ledger::StoreError> scan(Family, std::string_view, std::string_view,
                                                   const ledger::ScanVisitor&) const override {
        return broken();
    }
    iso8583::Result<void, ledger::StoreError> scan_back(Family, std::string_view, std::string_view,
                                                        const ledger::ScanVisitor&) const override {
        return broken();
    }

  private:
    static tl::unexpected<ledger::StoreError> broken() {
        return tl::unexpected(ledger::StoreError{ledger::StoreError::Kind::io, "the disk is broken"});
    }
};

}  // namespace

TEST_CASE("a key behind all of its kind is new, and any other is not said to be") {
    MemoryStore copy;
    REQUIRE(commit(copy, batch_of(1, {{journal("r5"), "v"}, {{Family::index, "i9"}, "v"}})));
    NewKeys keys(copy);
    CHECK(keys.is_new(journal("r6")));
    CHECK_FALSE(keys.is_new(journal("r5")));
    CHECK_FALSE(keys.is_new(journal("r4")));      // it is not there, but that would have to be read
    CHECK(keys.is_new(journal("a")));             // the first of its kind
    CHECK(keys.is_new({Family::journal, "i1"}));  // a kind of the other family
    CHECK_FALSE(keys.is_new({Family::index, "i1"}));
    CHECK_FALSE(keys.is_new(journal("")));
    CHECK(keys.is_new(journal("\xFF\x01")));  // the last kind there is
}

TEST_CASE("what is under way and not copied is not new, whatever became of it") {
    MemoryStore copy;
    NewKeys keys(copy);
    const Batch batch = put(1, journal("r5"));
    CHECK(keys.is_new(journal("r5")));
    keys.remember(batch);
    CHECK_FALSE(keys.is_new(journal("r5")));
    keys.remember(batch);  // written once more, since nobody knows whether it was
    CHECK_FALSE(keys.is_new(journal("r5")));
    CHECK(keys.is_new(journal("r6")));
}

TEST_CASE("nothing is new where the copy cannot be read") {
    const BrokenReader copy;
    NewKeys keys(copy);
    CHECK_FALSE(keys.is_new(journal("r5")));
    keys.remember(put(1, journal("r5")));
    CHECK_FALSE(keys.is_new(journal("r6")));
}

TEST_CASE("no key that the tables have is called new, however far behind the copy is") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        INFO("seed " << seed);
        Rng rng(seed);
        MemoryStore copy;
        std::set<Key> rows;  // of the tables
        std::deque<Batch> not_copied;
        const auto copy_one = [&] {
            REQUIRE(commit(copy, not_copied.front()));
            not_copied.pop_front();
        };
        const std::uint64_t before = rng() % 10, turns = before + 60;
        std::uint64_t called_new = 0;
        std::optional<NewKeys> keys;
        for (std::uint64_t turn = 1; turn <= turns; ++turn) {
            // A switch begins with a copy that has everything.
            if (turn == before + 1) {
                while (!not_copied.empty()) copy_one();
                keys.emplace(copy);
            }
            const Batch batch = random_batch(rng, turn, 60);
            if (keys) {
                for (const ledger::Mutation& m : batch.mutations)
                    if (keys->is_new(m.key)) {
                        ++called_new;
                        REQUIRE_FALSE(rows.contains(m.key));
                    }
                keys->remember(batch);
            }
            for (const ledger::Mutation& m : batch.mutations)
                if (m.value)
                    rows.insert(m.key);
                else
                    rows.erase(m.key);
            not_copied.push_back(batch);
            while (not_copied.size() > rng() % 6) copy_one();
        }
        CHECK(called_new > 0);
    }
}
