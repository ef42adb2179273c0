// RocksStore: what every store must do (store_conformance.hpp), whose directory it opens, and what its files
// hold.
#include <catch2/catch.hpp>
#include <fstream>

#include "ledger/pan_vault.hpp"
#include "ledger/rocks_store.hpp"
#include "tests/ledger/store_conformance.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
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

class RocksPlace final : public StorePlace {
  public:
    ledger::Store& open() override {
        store_ = ::open(options_in(directory_));
        return *store_;
    }
    void close() override { store_.reset(); }

  private:
    TempDirectory directory_;
    std::unique_ptr<RocksStore> store_;
};

}  // namespace

TEST_CASE("RocksStore does what every store must") {
    for (const ConformanceCase& c : conformance_cases()) DYNAMIC_SECTION(c.name) {
            c.run([] { return std::make_unique<RocksPlace>(); });
        }
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
    copy_options.take_as_is = true;  // a checkpoint has no acknowledged turn of its own
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
    CHECK(store->health().log_bytes > 0);
    CHECK(store->health().log_bytes <= 2 * options.wal_bytes_max);
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
