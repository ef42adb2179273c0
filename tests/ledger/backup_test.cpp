// Backups of a store: whole or not there, a byte that is another is named, and what is restored opens as what
// it was.
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <semaphore>

#include "ledger/backup_directory.hpp"
#include "ledger/rocks_backup.hpp"

namespace {

using namespace ledger;
namespace fs = std::filesystem;

const std::atomic<bool> goes_on = false;

/// A data directory of its own with a store of some turns and a vault key, and room for backups beside it.
struct Place {
    fs::path root = fs::temp_directory_path() / fs::path("backup-test-" + std::to_string(::getpid()));
    std::string data = (root / "data").string();
    std::unique_ptr<RocksStore> store;

    Place() {
        fs::remove_all(root);
        fs::create_directories(data);
        std::ofstream(data + "/vault.key") << "sealed";
        store = open(data);
        for (std::uint64_t turn = 1; turn <= 50; ++turn) commit(turn);
    }
    ~Place() {
        store.reset();
        fs::remove_all(root);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    static std::unique_ptr<RocksStore> open(const std::string& directory, bool read_only = false) {
        RocksStoreOptions options;
        options.directory = directory + "/store";
        options.block_cache_bytes = 4U << 20;
        options.read_only = read_only;
        auto opened = RocksStore::open(options);
        REQUIRE(opened);
        return std::move(*opened);
    }
    void commit(std::uint64_t turn) {
        Batch batch;
        batch.turn_number = turn;
        batch.put(Family::journal, "t" + std::to_string(turn), std::string(2'000, 'x'));
        std::binary_semaphore synced(0);
        store->begin_sync(std::move(batch), [&synced] { synced.release(); });
        synced.acquire();
        REQUIRE(store->finish_sync());
    }
    [[nodiscard]] std::string at(const char* name) const { return (root / name).string(); }
    [[nodiscard]] BackupOrder order(const std::string& directory) const {
        BackupOrder order;
        order.directory = directory;
        order.data = data;
        order.made = {1'795'233'600'000};
        order.business_day = {*iso8583::Date::parse_iso("2026-11-21")};
        order.by = "admin1";
        order.configuration = "0123456789abcdef";
        order.sealed_under = "LMK";
        return order;
    }
    iso8583::Result<BackupManifest> back_up(const std::string& directory) {
        auto made = make_backup({{store.get(), ""}}, order(directory), goes_on);
        if (!made) UNSCOPED_INFO(made.error().what);
        return made;
    }
};

std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> faults_of(const std::string& directory) {
    const auto manifest = read_manifest(directory);
    REQUIRE(manifest);
    return compare_with_manifest(directory, *manifest, goes_on);
}

void flip_a_byte(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(fs::file_size(path) / 2));
    const char byte = static_cast<char>(file.peek() ^ 0x10);
    file.seekp(file.tellg());
    file.put(byte);
}

std::string first_of(const BackupManifest& manifest, const std::string& ending) {
    for (const auto& file : manifest.files)
        if (file.path.ends_with(ending)) return file.path;
    FAIL("no file ends with " << ending);
    return {};
}

}  // namespace

TEST_CASE("a backup of a store that goes on is the store of its turn", "[backup]") {
    Place p;
    const auto manifest = p.back_up(p.at("backup"));
    REQUIRE(manifest);
    p.commit(51);
    CHECK(manifest->mark.turn == 50);
    CHECK(manifest->mark.id.substr(0, 17) == "20261121T040000Z-");
    CHECK(faults_of(p.at("backup")).empty());
    CHECK(names_in(p.at("backup")) == std::vector<std::string>{"manifest", "store", "vault.key"});
    CHECK(names_in(p.root) == std::vector<std::string>{"backup", "data"});
    CHECK(names_in(p.data) == std::vector<std::string>{"store", "vault.key"});
    struct stat info {};
    REQUIRE(::stat(p.at("backup").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
    for (const auto& file : manifest->files) {
        REQUIRE(::stat((p.at("backup") + "/" + file.path).c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0600);
        CHECK(info.st_nlink == 1);  // a copy: what damages the ledger does not damage it
    }
    SECTION("looking into it changes nothing") {
        const auto looked_at = Place::open(p.at("backup"), true);
        CHECK(looked_at->last_turn_number() == 50);
        CHECK(looked_at->get(Family::journal, "t50")->has_value());
        CHECK(!looked_at->get(Family::journal, "t51")->has_value());
        CHECK(faults_of(p.at("backup")).empty());
    }
    SECTION("restored, it opens, says which backup it was, and takes turns") {
        REQUIRE(restore_backup(p.at("backup"), p.at("new"), goes_on));
        CHECK(backup_mark_of(p.at("new"))->value() == manifest->mark);
        CHECK(!backup_mark_of(p.data)->has_value());
        p.store.reset();
        p.store = Place::open(p.at("new"));
        CHECK(p.store->last_turn_number() == 50);
        p.commit(51);
        CHECK(names_in(p.at("new")) == std::vector<std::string>{"store", "vault.key"});
    }
}

TEST_CASE("a byte of a backup that is another, or a file too few or too many, is named", "[backup]") {
    Place p;
    const auto manifest = p.back_up(p.at("backup"));
    REQUIRE(manifest);
    const std::string table = first_of(*manifest, ".sst");
    SECTION("in a table") {
        flip_a_byte(p.at("backup") + "/" + table);
        REQUIRE(faults_of(p.at("backup")).size() == 1);
        CHECK(faults_of(p.at("backup")).front().substr(0, table.size()) == table);
        const auto restored = restore_backup(p.at("backup"), p.at("new"), goes_on);
        REQUIRE(!restored);
        CHECK(restored.error().what.substr(0, table.size()) == table);
        CHECK(!fs::exists(p.at("new") + "/store"));
        // Mended, it is begun again where nothing is in the way.
        flip_a_byte(p.at("backup") + "/" + table);
        CHECK(restore_backup(p.at("backup"), p.at("new"), goes_on));
    }
    SECTION("in the manifest itself") {
        flip_a_byte(p.at("backup") + "/manifest");
        const auto read = read_manifest(p.at("backup"));
        REQUIRE(!read);
        CHECK(read.error().what.find("manifest: ") != std::string::npos);
    }
    SECTION("cut short") {
        fs::resize_file(p.at("backup") + "/" + table, 10);
        CHECK(faults_of(p.at("backup")).front().find("it has 10 bytes") != std::string::npos);
    }
    SECTION("gone") {
        fs::remove(p.at("backup") + "/vault.key");
        CHECK(faults_of(p.at("backup")).front().find("vault.key") == 0);
    }
    SECTION("and one that is not of it") {
        std::ofstream(p.at("backup") + "/store/rocks/999999.sst") << "x";
        CHECK(faults_of(p.at("backup")) ==
              std::vector<std::string>{"store/rocks/999999.sst: the manifest does not know it"});
    }
}

TEST_CASE("a backup is never written over anything, and never left in part", "[backup]") {
    Place p;
    SECTION("an empty directory is taken") {
        fs::create_directory(p.at("backup"));
        CHECK(p.back_up(p.at("backup") + "/"));
        CHECK(faults_of(p.at("backup")).empty());
        const auto again = p.back_up(p.at("backup"));
        REQUIRE(!again);
        CHECK(again.error().what.find("is not empty") != std::string::npos);
        CHECK(faults_of(p.at("backup")).empty());
    }
    SECTION("what a process that died left is removed") {
        fs::create_directories(p.at("backup.partial") + "/store/rocks");
        fs::create_directories(p.data + "/backup.checkpoint/rocks");
        CHECK(!is_backup(p.at("backup.partial")));
        CHECK(p.back_up(p.at("backup")));
        CHECK(names_in(p.root) == std::vector<std::string>{"backup", "data"});
        CHECK(names_in(p.data) == std::vector<std::string>{"store", "vault.key"});
    }
    SECTION("but nothing of anybody else's") {
        fs::create_directories(p.at("backup.partial") + "/photographs");
        const auto made = p.back_up(p.at("backup"));
        REQUIRE(!made);
        CHECK(made.error().what.find("is in the way") != std::string::npos);
        CHECK(fs::exists(p.at("backup.partial") + "/photographs"));
    }
    SECTION("each reason is a sentence") {
        std::ofstream(p.at("file")) << "x";
        const auto refused = [&](const std::string& directory) {
            const auto made = p.back_up(directory);
            REQUIRE(!made);
            UNSCOPED_INFO(made.error().what);
            return made.error().what;
        };
        CHECK(refused("backup").find("a path from / on") != std::string::npos);
        CHECK(refused(p.at("file")).find("is no directory") != std::string::npos);
        CHECK(refused(p.at("nowhere") + "/backup").find("no such directory") != std::string::npos);
        CHECK(refused(p.data + "/backup").find("lies in the data directory") != std::string::npos);
        BackupOrder order = p.order(p.at("backup"));
        order.disk_free_bytes_min = std::uint64_t{1} << 60;
        const auto full = make_backup({{p.store.get(), ""}}, order, goes_on);
        REQUIRE(!full);
        CHECK(full.error().what.find("MiB are free") != std::string::npos);
        fs::remove(p.data + "/vault.key");
        CHECK(refused(p.at("backup")).find("vault.key") != std::string::npos);
        CHECK(names_in(p.root) == std::vector<std::string>{"data", "file"});
    }
    SECTION("told to stop, it leaves nothing") {
        const std::atomic<bool> stop = true;
        CHECK(!make_backup({{p.store.get(), ""}}, p.order(p.at("backup")), stop));
        CHECK(names_in(p.root) == std::vector<std::string>{"data"});
        CHECK(names_in(p.data) == std::vector<std::string>{"store", "vault.key"});
    }
}

TEST_CASE("a backup of two shards is one, and so is what is restored from it", "[backup]") {
    Place p;
    fs::remove_all(p.data + "/store");
    const std::vector<std::string> places = {"shard_00", "shard_01"};
    std::vector<std::unique_ptr<RocksStore>> stores;
    std::vector<BackedUpStore> of;
    for (const std::string& place : places) {
        fs::create_directories(p.data + "/" + place);
        p.store = Place::open(p.data + "/" + place);
        p.commit(1);
        if (!stores.empty()) p.commit(2);
        of.push_back({p.store.get(), place});
        stores.push_back(std::move(p.store));
    }
    const std::string backup = p.at("backup"), data = p.at("restored");
    const auto made = make_backup(of, p.order(backup), goes_on);
    REQUIRE(made);
    CHECK(made->shards == 2);
    CHECK(made->mark.turn == 3);
    CHECK(read_manifest(backup).value() == *made);
    CHECK(faults_of(backup).empty());
    CHECK(names_in(backup) ==
          std::vector<std::string>{"manifest", "shard_00", "shard_01", "shards", "vault.key"});
    CHECK(names_in(p.data + "/shard_01") == std::vector<std::string>{"store"});  // no checkpoint is left
    for (std::size_t shard = 0; shard < places.size(); ++shard) {
        const auto mark = backup_mark_of(backup + "/" + places[shard]).value();
        REQUIRE(mark);
        CHECK(mark->id == made->mark.id);
        CHECK(mark->turn == shard + 1);
    }
    REQUIRE(restore_backup(backup, data, goes_on));
    CHECK(names_in(data) == std::vector<std::string>{"shard_00", "shard_01", "shards", "vault.key"});
    CHECK(Place::open(data + "/shard_01")->last_turn_number() == 2);
    const auto again = restore_backup(backup, data, goes_on);
    CHECK(again.error().what.find("shards: a ledger is there already") != std::string::npos);
    // Nor beside the shards of one whose number was lost.
    fs::remove(data + "/shards");
    CHECK(restore_backup(backup, data, goes_on).error().what.find("shard_00: a ledger is there already") !=
          std::string::npos);
    flip_a_byte(backup + "/" + first_of(*made, ".sst"));
    CHECK_FALSE(restore_backup(backup, p.at("of-damaged"), goes_on));
}

TEST_CASE("a restore is never made over a ledger", "[backup]") {
    Place p;
    REQUIRE(p.back_up(p.at("backup")));
    const auto over = restore_backup(p.at("backup"), p.data, goes_on);
    REQUIRE(!over);
    CHECK(over.error().what.find("a ledger is there already") != std::string::npos);
    fs::create_directory(p.at("other"));
    std::ofstream(p.at("other") + "/vault.key") << "another";
    CHECK(!restore_backup(p.at("backup"), p.at("other"), goes_on));
    const auto none = restore_backup(p.at("data"), p.at("new"), goes_on);
    REQUIRE(!none);
    CHECK(none.error().what.find("there is no manifest") != std::string::npos);
}
