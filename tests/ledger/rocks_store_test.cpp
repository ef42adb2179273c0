// RocksStore: the same answers as the memory store and a std::map, across restarts; and whose directory it
// opens.
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <thread>

#include "ledger/memory_store.hpp"
#include "ledger/overlay.hpp"
#include "ledger/pan_vault.hpp"
#include "ledger/rocks_store.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::MemoryStore;
using ledger::RocksStore;
using ledger::RocksStoreOptions;
using ledger::StoreError;

namespace {

RocksStoreOptions options_in(const TempDirectory& directory) {
    RocksStoreOptions options;
    options.directory = directory.path("ledger");
    options.memtable_bytes = 256 << 10;
    options.wal_bytes_max = 1 << 20;
    options.block_cache_bytes = 4 << 20;
    options.disk_free_bytes_min = 0;
    return options;
}

std::unique_ptr<RocksStore> open(const RocksStoreOptions& options) {
    auto store = RocksStore::open(options);
    INFO((store ? "" : store.error().what));
    REQUIRE(store);
    return std::move(*store);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;
Pairs scanned(const ledger::StoreReader& store, bool back, Family family, const std::string& from,
              const std::string& to, std::size_t limit) {
    Pairs pairs;
    const auto visit = [&](std::string_view key, std::string_view value) {
        pairs.emplace_back(key, value);
        return pairs.size() < limit;
    };
    const auto read = back ? store.scan_back(family, from, to, visit) : store.scan(family, from, to, visit);
    REQUIRE(read);
    return pairs;
}

/// Whether a file under `directory` holds these bytes.
bool found_on_disk(const std::string& directory, const std::string& bytes) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string content{std::istreambuf_iterator<char>(in), {}};
        if (content.find(bytes) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("RocksDB, memory store and std::map agree on random work, across restarts") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        INFO("seed " << seed);
        const TempDirectory directory;
        const auto options = options_in(directory);
        Rng rng(seed);
        Model model;
        MemoryStore memory;
        auto rocks = open(options);
        for (std::uint64_t turn = 1; turn <= 250; ++turn) {
            const Batch batch = random_batch(rng, turn, 3'000);
            model.apply(batch);
            REQUIRE(commit(memory, batch));
            REQUIRE(commit(*rocks, batch));
            if (turn % 50 == 0) {
                rocks.reset();
                rocks = open(options);
            }
            REQUIRE(rocks->last_turn_number() == turn);
            REQUIRE(memory.last_turn_number() == turn);
            const Family family = below(rng, 2) == 0 ? Family::journal : Family::index;
            const std::string key = random_key(rng);
            REQUIRE(rocks->get(family, key).value() == memory.get(family, key).value());
            const std::string from = below(rng, 3) == 0 ? "" : random_key(rng);
            const std::string to = below(rng, 3) == 0 ? "" : random_key(rng);
            const std::size_t limit = 1 + below(rng, 50);
            for (const bool back : {false, true})
                REQUIRE(scanned(*rocks, back, family, from, to, limit) ==
                        scanned(memory, back, family, from, to, limit));
        }
        REQUIRE(contents_of(*rocks) == model);
        REQUIRE(contents_of(memory) == model);
    }
}

TEST_CASE("a snapshot stays as it was, on another thread, and after the store is gone") {
    const TempDirectory directory;
    auto store = open(options_in(directory));
    REQUIRE(commit(*store, batch_of(1, {{{Family::journal, "k"}, "1"}})));
    auto snapshot = store->snapshot();
    REQUIRE(commit(*store, batch_of(2, {{{Family::journal, "k"}, "2"}, {{Family::journal, "l"}, "2"}})));
    CHECK(contents_of(*store).families[0].size() == 2);
    store.reset();
    auto reading =
        std::async(std::launch::async, [reader = std::move(snapshot)] { return contents_of(*reader); });
    const Model seen = reading.get();
    CHECK(seen.families[0] == std::map<std::string, std::string>{{"k", "1"}});
}

TEST_CASE("prefetching changes nothing and takes any number of keys") {
    const TempDirectory directory;
    auto store = open(options_in(directory));
    REQUIRE(commit(*store, batch_of(1, {{{Family::index, "k"}, "1"}})));
    store->prefetch({});
    store->prefetch({{Family::index, "k"}, {Family::journal, "absent"}});
    store->prefetch(std::vector<ledger::Key>(RocksStore::prefetch_keys_max + 1, {Family::index, "k"}));
    for (int i = 0; i < 100; ++i) store->prefetch({{Family::index, "k"}});
    CHECK(store->get(Family::index, "k").value() == "1");
}

TEST_CASE("one process at a time") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    const auto store = open(options);
    const auto second = RocksStore::open(options);
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == StoreError::Kind::locked);
    CHECK(second.error().what.find("is in use by another process") != std::string::npos);
    CHECK(second.error().what.find(options.directory) != std::string::npos);
}

TEST_CASE("a directory that is not a ledger's is left alone") {
    const TempDirectory directory;
    auto options = options_in(directory);
    std::filesystem::create_directory(options.directory);
    std::ofstream(options.directory + "/letters.txt") << "dear sir";
    const auto foreign = RocksStore::open(options);
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().kind == StoreError::Kind::version);
    CHECK(foreign.error().what.find("letters.txt") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(options.directory + "/rocks"));
    CHECK_FALSE(std::filesystem::exists(options.directory + "/LOCK"));

    options.directory = directory.path("empty");
    options.create_if_missing = false;
    const auto absent = RocksStore::open(options);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().what.find("there is no store in") != std::string::npos);
}

TEST_CASE("a creation that was cut short is begun again") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    std::filesystem::create_directories(options.directory + "/rocks.creating");
    std::ofstream(options.directory + "/rocks.creating/000007.log") << "half";
    const auto store = open(options);
    CHECK(store->last_turn_number() == 0);
    CHECK_FALSE(std::filesystem::exists(options.directory + "/rocks.creating"));
}

TEST_CASE("a store whose files are gone is not taken for a new one") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    REQUIRE(commit(*open(options), batch_of(1, {{{Family::journal, "k"}, "1"}})));
    SECTION("CURRENT is missing") {
        std::filesystem::remove(options.directory + "/rocks/CURRENT");
        const auto damaged = RocksStore::open(options);
        REQUIRE_FALSE(damaged);
        CHECK(damaged.error().kind == StoreError::Kind::corruption);
        CHECK(damaged.error().what.find("rocks/CURRENT is missing") != std::string::npos);
    }
    SECTION("the whole database is missing") {
        std::filesystem::remove_all(options.directory + "/rocks");
        const auto damaged = RocksStore::open(options);
        REQUIRE_FALSE(damaged);
        CHECK(damaged.error().kind == StoreError::Kind::corruption);
        CHECK(damaged.error().what.find("turn 1 was acknowledged") != std::string::npos);
    }
}

TEST_CASE("a checkpoint is a store of its own") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    auto store = open(options);
    REQUIRE(commit(*store, batch_of(1, {{{Family::journal, "k"}, "1"}})));
    auto copy_options = options;
    copy_options.directory = directory.path("copy");
    REQUIRE(store->checkpoint(copy_options.directory));
    CHECK_FALSE(store->checkpoint(copy_options.directory));
    REQUIRE(commit(*store, batch_of(2, {{{Family::journal, "k"}, "2"}})));
    const auto copy = open(copy_options);
    CHECK(copy->last_turn_number() == 1);
    CHECK(copy->get(Family::journal, "k").value() == "1");
    CHECK(copy->verify_checksums());
    REQUIRE(commit(*copy, batch_of(2, {{{Family::journal, "k"}, "other"}})));
    CHECK(store->get(Family::journal, "k").value() == "2");
}

TEST_CASE("the log stays bounded") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    const auto store = open(options);
    Rng rng(7);
    for (std::uint64_t turn = 1; turn <= 600; ++turn) REQUIRE(commit(*store, random_batch(rng, turn, 2'000)));
    store->refresh_health();
    INFO(store->health().reason);
    CHECK(store->health().wal_bytes > 0);
    CHECK(store->health().wal_bytes <= 2 * options.wal_bytes_max);
    CHECK(store->health().disk_free_bytes > 0);
}

TEST_CASE("the turn ring wraps round") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    {
        const auto store = open(options);
        for (std::uint64_t turn = 1; turn <= RocksStore::turn_ring_slots + 5; ++turn)
            REQUIRE(commit(*store, batch_of(turn, {{{Family::journal, "k"}, std::to_string(turn)}})));
    }
    const auto store = open(options);
    CHECK(store->last_turn_number() == RocksStore::turn_ring_slots + 5);
    CHECK(store->get(Family::journal, "k").value() == std::to_string(RocksStore::turn_ring_slots + 5));
}

TEST_CASE("overlay and store together show each write once, while the committer is at work") {
    const TempDirectory directory;
    const auto store = open(options_in(directory));
    ledger::Overlay overlay(*store);
    Model model;
    Rng rng(3);
    for (int turn = 1; turn <= 300; ++turn) {
        const Batch wanted = random_batch(rng, 0);
        for (const ledger::Mutation& m : wanted.mutations)
            m.value ? overlay.put(m.key.family, m.key.bytes, *m.value)
                    : overlay.erase(m.key.family, m.key.bytes);
        std::binary_semaphore done(0);
        store->begin_sync(overlay.take_batch(), [&done] { done.release(); });
        model.apply(wanted);
        REQUIRE(contents_of(overlay) == model);
        done.acquire();
        REQUIRE(store->finish_sync());
        overlay.in_flight_done();
    }
    CHECK(contents_of(*store) == model);
}

TEST_CASE("no PAN lies in clear in the data directory, in no file and no spelling") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    std::array<std::uint8_t, ledger::PanVaultKey::size> key_bytes{};
    key_bytes.fill(0x5A);
    const ledger::PanVault vault{ledger::PanVaultKey(key_bytes)};
    const std::string cards[] = {"4111111111111111", "6212345678900000003", "5555555555554444"};
    auto options_plain = options;
    options_plain.directory = directory.path("plain");
    {
        const auto store = open(options);
        const auto plain = open(options_plain);
        std::uint64_t turn = 0;
        // Enough that logs, tables of several levels and their old versions exist.
        for (int round = 0; round < 300; ++round) {
            Batch batch;
            batch.turn_number = ++turn;
            for (const std::string& card : cards) {
                const std::string record_key = "s" + std::to_string(round) + card.substr(card.size() - 4);
                const auto token = vault.token(iso8583::Pan::parse(card).value());
                batch.put(Family::journal, record_key, vault.seal(card, record_key) + std::string(900, 'x'));
                batch.put(Family::index, std::string(iso8583::as_text(token.bytes)) + record_key, record_key);
            }
            REQUIRE(commit(*store, batch));
        }
        REQUIRE(commit(*plain, batch_of(1, {{{Family::journal, "k"}, cards[0]}})));
    }
    for (const std::string& card : cards) {
        CHECK_FALSE(found_on_disk(options.directory, card));
        CHECK_FALSE(found_on_disk(options.directory, card.substr(0, 12)));
        const auto packed = iso8583::parse_hex(card.size() % 2 == 0 ? card : card + "F").value();
        CHECK_FALSE(found_on_disk(options.directory, std::string(iso8583::as_text(packed))));
    }
    // The search itself can find one.
    CHECK(found_on_disk(options_plain.directory, cards[0]));
}
