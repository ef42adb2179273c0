// Broken disks under RocksStore: a failed write is final, a full disk is told early, a changed byte is
// noticed.
#include <catch2/catch.hpp>
#include <fstream>

#include "ledger/rocks_store.hpp"
#include "tests/ledger/fault_file_system.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::RocksStore;
using ledger::RocksStoreOptions;
using ledger::StoreError;
using rocksdb::IOStatus;

namespace {

RocksStoreOptions options_in(const TempDirectory& directory) {
    RocksStoreOptions options;
    options.directory = directory.path("ledger");
    options.memtable_bytes = 64 << 10;
    options.wal_bytes_max = 1 << 20;
    options.block_cache_bytes = 1 << 20;
    options.disk_free_bytes_min = 0;
    options.health_poll_ms = 10'000;
    return options;
}

Batch put(std::uint64_t turn, const std::string& value) {
    return batch_of(turn, {{{Family::journal, "k"}, value}});
}

std::vector<std::string> files_ending(const std::string& directory, const std::string& end) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
        if (entry.is_regular_file() && entry.path().string().ends_with(end)) paths.push_back(entry.path());
    return paths;
}

void flip_byte(const std::string& path, std::uint64_t offset) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(static_cast<std::streamoff>(offset));
    const char c = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(c ^ 0x20));
}

}  // namespace

TEST_CASE("a failed write or sync of the log is final") {
    struct Row {
        const char* what;
        void (FaultFileSystem::*fail)(std::string, std::optional<IOStatus>);
        IOStatus error;
        StoreError::Kind kind;
    };
    const Row rows[] = {
        {"EIO while appending", &FaultFileSystem::fail_appends, IOStatus::IOError("injected"),
         StoreError::Kind::io},
        {"EIO while syncing", &FaultFileSystem::fail_syncs, IOStatus::IOError("injected"),
         StoreError::Kind::io},
        {"no space while appending", &FaultFileSystem::fail_appends, IOStatus::NoSpace("injected"),
         StoreError::Kind::disk_full},
        {"no space while syncing", &FaultFileSystem::fail_syncs, IOStatus::NoSpace("injected"),
         StoreError::Kind::disk_full},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const TempDirectory directory;
        const auto options = options_in(directory);
        const auto fs = std::make_shared<FaultFileSystem>();
        FaultEnv env(fs);
        {
            const auto opened = RocksStore::open_on(options, env);
            REQUIRE(opened);
            RocksStore& store = **opened;
            REQUIRE(commit(store, put(1, "1")));
            ((*fs).*row.fail)(".log", row.error);
            const auto failed = commit(store, put(2, "2"));
            REQUIRE_FALSE(failed);
            CHECK(failed.error().kind == row.kind);
            CHECK(failed.error().what.find("committing turn 2") != std::string::npos);

            // The disk is well again; the store must not be.
            ((*fs).*row.fail)(".log", std::nullopt);
            for (std::uint64_t turn = 2; turn <= 4; ++turn) {
                const auto later = commit(store, put(turn, "later"));
                REQUIRE_FALSE(later);
                CHECK(later.error().what == failed.error().what);
            }
            store.refresh_health();
            CHECK_FALSE(store.health().accepts_new_work);
            CHECK(store.health().reason == failed.error().what);
            CHECK(store.last_turn_number() == 1);
        }
        // The next process finds turn 1, and turn 2 whole or not at all.
        const auto again = RocksStore::open(options);
        REQUIRE(again);
        const std::uint64_t last = (*again)->last_turn_number();
        CHECK((last == 1 || last == 2));
        CHECK((*again)->get(Family::journal, "k").value().value_or("nothing") == std::to_string(last));
        CHECK(commit(**again, put(last + 1, "next")));
    }
}

TEST_CASE("a disk that is full when tables are written ends the work, and nothing later succeeds") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    const auto fs = std::make_shared<FaultFileSystem>();
    FaultEnv env(fs);
    std::uint64_t acknowledged = 0;
    Model expected;
    {
        const auto opened = RocksStore::open_on(options, env);
        REQUIRE(opened);
        RocksStore& store = **opened;
        fs->fail_appends(".sst", IOStatus::NoSpace("injected"));
        Rng rng(1);
        bool failed = false;
        for (std::uint64_t turn = 1; turn <= 2'000 && !failed; ++turn) {
            const Batch batch = random_batch(rng, turn, 2'000);
            failed = !commit(store, batch);
            if (failed) break;
            acknowledged = turn;
            expected.apply(batch);
        }
        REQUIRE(failed);
        CHECK(acknowledged > 0);
        store.refresh_health();
        CHECK_FALSE(store.health().accepts_new_work);
        fs->fail_appends("", std::nullopt);
        for (int i = 0; i < 20; ++i) CHECK_FALSE(commit(store, random_batch(rng, acknowledged + 1)));
        CHECK(store.last_turn_number() == acknowledged);
    }
    const auto again = RocksStore::open(options);
    REQUIRE(again);
    CHECK((*again)->last_turn_number() == acknowledged);
    CHECK(contents_of(**again) == expected);
}

TEST_CASE("a disk that is nearly full refuses new work and lets answers and reversals be written") {
    const TempDirectory directory;
    auto options = options_in(directory);
    options.disk_free_bytes_min = 1ULL << 30;
    const auto fs = std::make_shared<FaultFileSystem>();
    FaultEnv env(fs);
    fs->report_free_space(2ULL << 30);
    const auto opened = RocksStore::open_on(options, env);
    REQUIRE(opened);
    RocksStore& store = **opened;
    CHECK(store.health().accepts_new_work);
    CHECK(store.health().disk_free_bytes == 2ULL << 30);
    fs->report_free_space(512ULL << 20);
    store.refresh_health();
    CHECK_FALSE(store.health().accepts_new_work);
    CHECK(store.health().reason == "the disk is nearly full: 512 MiB are free, 1024 MiB are needed");
    CHECK(commit(store, put(1, "1")));
    fs->report_free_space(2ULL << 30);
    store.refresh_health();
    CHECK(store.health().accepts_new_work);
}

TEST_CASE("a changed byte anywhere in the log of acknowledged turns is noticed at the next start") {
    const TempDirectory original;
    const auto options = options_in(original);
    {
        const auto store = RocksStore::open(options);
        REQUIRE(store);
        for (std::uint64_t turn = 1; turn <= 20; ++turn)
            REQUIRE(commit(**store, put(turn, std::string(40, static_cast<char>('a' + turn)))));
    }
    const auto logs = files_ending(options.directory, ".log");
    REQUIRE(logs.size() == 1);
    const std::uint64_t size = std::filesystem::file_size(logs[0]);
    REQUIRE(size > 1'000);
    for (std::uint64_t offset = 0; offset < size; offset += 13) {
        INFO("offset " << offset << " of " << size);
        const TempDirectory directory;
        auto copy = options;
        copy.directory = directory.path("ledger");
        std::filesystem::copy(options.directory, copy.directory, std::filesystem::copy_options::recursive);
        flip_byte(files_ending(copy.directory, ".log").at(0), offset);
        const auto store = RocksStore::open(copy);
        REQUIRE_FALSE(store);
        REQUIRE(store.error().kind == StoreError::Kind::corruption);
    }
}

TEST_CASE("a changed byte in a table is an error of the read that meets it, and of verify") {
    const TempDirectory directory;
    auto options = options_in(directory);
    {
        const auto store = RocksStore::open(options);
        REQUIRE(store);
        for (std::uint64_t turn = 1; turn <= 400; ++turn)
            REQUIRE(
                commit(**store, batch_of(turn, {{{Family::journal, "k" + std::to_string(1000 + turn)},
                                                 std::string(500, static_cast<char>('a' + turn % 26))}})));
    }
    const auto tables = files_ending(options.directory, ".sst");
    REQUIRE_FALSE(tables.empty());
    const auto largest = *std::max_element(tables.begin(), tables.end(), [](const auto& a, const auto& b) {
        return std::filesystem::file_size(a) < std::filesystem::file_size(b);
    });
    flip_byte(largest, 100);
    const auto store = RocksStore::open(options);
    REQUIRE(store);
    const auto read = (*store)->scan(Family::journal, "", "", [](auto, auto) { return true; });
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == StoreError::Kind::corruption);
    CHECK(read.error().what.find("scanning records") != std::string::npos);
    const auto verified = (*store)->verify_checksums();
    REQUIRE_FALSE(verified);
    CHECK(verified.error().kind == StoreError::Kind::corruption);
}

TEST_CASE("a damaged manifest is an error with its name") {
    const TempDirectory directory;
    const auto options = options_in(directory);
    REQUIRE(commit(**RocksStore::open(options), put(1, "1")));
    for (const auto& entry : std::filesystem::directory_iterator(options.directory + "/rocks"))
        if (entry.path().filename().string().starts_with("MANIFEST")) flip_byte(entry.path(), 20);
    const auto store = RocksStore::open(options);
    REQUIRE_FALSE(store);
    CHECK(store.error().kind == StoreError::Kind::corruption);
    CHECK(store.error().what.find("MANIFEST") != std::string::npos);
}
