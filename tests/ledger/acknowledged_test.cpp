// The last acknowledged turn in its two places: what a store that lost its end, or whose place was lost, says
// when it is opened, and what a store says whose files are taken away while it works.
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "ledger/acknowledged_places.hpp"
#include "ledger/acknowledged_turn.hpp"
#include "ledger/backup_manifest.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/rocks_store.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::AcknowledgedCopy;
using ledger::AcknowledgedTurn;
using ledger::RocksStore;
using ledger::RocksStoreOptions;
using ledger::StoreError;
using Found = ledger::AcknowledgedTurn::Found;
namespace fs = std::filesystem;

namespace {

/// All of it, though the store deletes files of its own meanwhile.
void remove_beside_the_store(const fs::path& directory) {
    std::error_code one_was_gone_before;
    while (fs::exists(directory)) fs::remove_all(directory, one_was_gone_before);
}

constexpr std::uint64_t turns = 16;

/// A ledger of 16 turns whose switch has stopped, its second place, and the same ledger as it was after 8.
struct Lost {
    TempDirectory directory;
    RocksStoreOptions options;
    std::string first, copy, shorter;

    explicit Lost(bool with_copy = true) {
        options.directory = directory.path("store");
        options.block_cache_bytes = 4 << 20;
        options.disk_free_bytes_min = 0;
        if (with_copy) options.acknowledged_copy = directory.path("second");
        options.acknowledged_copy_ms = 10;
        first = ledger::acknowledged_path(options.directory);
        copy = directory.path("second");
        shorter = directory.path("shorter");
        for (std::uint64_t turn = 1; turn <= turns; turn += turns / 2) {
            {
                const auto store = open();
                for (std::uint64_t t = turn; t < turn + turns / 2; ++t) work(*store, t);
            }
            if (turn == 1) fs::copy(options.directory, shorter, fs::copy_options::recursive);
        }
    }
    [[nodiscard]] std::unique_ptr<RocksStore> open() const {
        auto store = RocksStore::open(options);
        INFO((store ? "" : store.error().what));
        REQUIRE(store);
        return std::move(*store);
    }
    static void work(RocksStore& store, std::uint64_t turn) {
        REQUIRE(commit(store, batch_of(turn, {{{Family::journal, "k" + std::to_string(turn)}, "1"}})));
    }
    /// As it was after 8 turns; its own file says so, or as told.
    void lose_the_end() const {
        fs::remove_all(options.directory);
        fs::copy(shorter, options.directory, fs::copy_options::recursive);
    }
    [[nodiscard]] std::string refusal() const {
        const auto store = RocksStore::open(options);
        if (store) return "it was opened";
        CHECK(store.error().kind == StoreError::Kind::corruption);
        return store.error().what;
    }
    [[nodiscard]] AcknowledgedCopy::Content second() const {
        const auto opened = AcknowledgedCopy::open(copy);
        REQUIRE(opened);
        REQUIRE(opened->found() == Found::turn);
        return opened->content();
    }
    void mark_restored(const std::string& id) const {
        ledger::BackupMark mark;
        mark.id = id;
        mark.business_day = {*iso8583::Date::parse_iso("2026-11-21")};
        mark.turn = turns / 2;
        const std::string text = encode(mark);
        REQUIRE(ledger::write_file_durably(options.directory + "/" + ledger::backup_mark_name,
                                           iso8583::as_bytes(text)));
    }
};

void zero(const std::string& path) {
    const auto size = fs::file_size(path);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << std::string(size, '\0');
}

/// Of what another thread does: the time is a bound, not a guess.
template <typename Probe>
bool comes_true(const Probe& probe) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!probe()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

bool says(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("8 of 16 acknowledged turns and their acknowledged file are gone: the second place tells") {
    const Lost lost;
    lost.lose_the_end();
    const char* const expected = "turn 16 was acknowledged";
    SECTION("the file went back with the log") {}
    SECTION("the file is zeroed") { zero(lost.first); }
    SECTION("the file is empty") { fs::resize_file(lost.first, 0); }
    SECTION("the file is missing") { fs::remove(lost.first); }
    CHECK(says(lost.refusal(), expected));
    // Nothing is healed by trying again.
    CHECK(says(lost.refusal(), expected));
    CHECK(says(lost.refusal(), lost.copy));
}

TEST_CASE("a whole ledger whose store directory was made anew: the second place tells") {
    const Lost lost;
    fs::remove_all(lost.options.directory);
    CHECK(says(lost.refusal(), "only up to turn 0"));
}

TEST_CASE("without a second place a ledger whose acknowledged file is lost is not taken for whole") {
    const Lost lost(false);
    SECTION("missing") {
        fs::remove(lost.first);
        CHECK(says(lost.refusal(), "is missing"));
        CHECK(says(lost.refusal(), "is missing"));  // none was made by the first try
        CHECK(says(lost.refusal(), "acknowledged_copy names no second place"));
    }
    SECTION("zeroed") {
        zero(lost.first);
        CHECK(says(lost.refusal(), "is damaged"));
        CHECK(says(lost.refusal(), "is damaged"));
    }
    SECTION("a byte of it changed") {
        std::fstream file(lost.first, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(8);
        file.put('\x7F');
        file.close();
        CHECK(says(lost.refusal(), "is damaged"));
    }
}

TEST_CASE("both places are lost, and the ledger has turns") {
    const Lost lost;
    zero(lost.first);
    SECTION("the second is missing") {
        fs::remove(lost.copy);
        CHECK(says(lost.refusal(), "says nothing"));
        CHECK(says(lost.refusal(), "says nothing"));
    }
    SECTION("the second is zeroed") {
        zero(lost.copy);
        CHECK(says(lost.refusal(), "is damaged"));
    }
}

TEST_CASE("one place is enough, and the other is written anew") {
    const Lost lost;
    SECTION("the first is missing") { fs::remove(lost.first); }
    SECTION("the first is zeroed") { zero(lost.first); }
    SECTION("the second is configured for the first time") { fs::remove(lost.copy); }
    SECTION("the second is damaged") { zero(lost.copy); }
    CHECK(lost.open()->last_turn_number() == turns);
    CHECK(AcknowledgedTurn::look(lost.first)->turn() == turns);
    CHECK(lost.second() == AcknowledgedCopy::Content{turns, ""});
}

TEST_CASE("the second place follows while the store works, and is exact when it has stopped") {
    const Lost lost;
    CHECK(lost.second() == AcknowledgedCopy::Content{turns, ""});
    {
        const auto store = lost.open();
        CHECK(AcknowledgedCopy::open(lost.copy).error().kind == StoreError::Kind::locked);
        Lost::work(*store, turns + 1);
        const auto written = [&lost] {
            const auto bytes = ledger::read_small_file(lost.copy, 4'096);
            return bytes && *bytes && (**bytes)[8] == turns + 1;
        };
        REQUIRE(comes_true(written));
        CHECK(store->health().warning.empty());
    }
    CHECK(lost.second().turn == turns + 1);
}

TEST_CASE("two ledgers cannot have one second place") {
    const Lost lost;
    const auto store = lost.open();
    RocksStoreOptions other = lost.options;
    other.directory = lost.directory.path("other");
    const auto opened = RocksStore::open(other);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == StoreError::Kind::locked);
    CHECK(says(opened.error().what, lost.copy));
}

TEST_CASE("the second place's directory must be there") {
    Lost lost;
    lost.options.acknowledged_copy = lost.directory.path("nowhere/second");
    const auto opened = RocksStore::open(lost.options);
    REQUIRE_FALSE(opened);
    CHECK(says(opened.error().what, "nowhere/second"));
}

TEST_CASE("the second place cannot be written while the store works: a warning, and nothing stops") {
    const TempDirectory directory;
    auto places =
        ledger::AcknowledgedPlaces::open({directory.path("first"), directory.path("second"), 5, false, false},
                                         {directory.path(), 0, "", false});
    REQUIRE(places);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit full{40, before.rlim_max};  // room for the first, not for the second
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
    fs::resize_file(directory.path("second"), 0);
    CHECK(places->record(4));
    REQUIRE(comes_true([&] { return !places->warning().empty(); }));
    const std::string warning = places->warning();
    CHECK(places->record(5));
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, previous);
    CHECK(says(warning, directory.path("second")));
    REQUIRE(comes_true([&] { return places->warning().empty(); }));  // it is written again, and says so
    places = tl::unexpected(StoreError{});
    CHECK(AcknowledgedCopy::open(directory.path("second"))->content().turn == 5);
}

TEST_CASE("a ledger restored from a backup may be behind its second place, one put back may not") {
    const Lost lost;
    lost.lose_the_end();
    lost.mark_restored("20261130T080000Z-00000001");
    {
        const auto store = lost.open();
        CHECK(store->last_turn_number() == turns / 2);
        // The core takes note of the restore with its first turn.
        REQUIRE(commit(*store,
                       batch_of(turns / 2 + 1,
                                {{{Family::index, ledger::restore_key("20261130T080000Z-00000001")}, "r"}})));
    }
    CHECK(lost.second() == AcknowledgedCopy::Content{turns / 2 + 1, "20261130T080000Z-00000001"});
    SECTION("and serves on") { CHECK(lost.open()->last_turn_number() == turns / 2 + 1); }
    SECTION("the ledger from before the restore") {
        lost.lose_the_end();
        CHECK(says(lost.refusal(), "another store was put in its place"));
    }
    SECTION("a later restore, then the ledger of the earlier one is put back") {
        const std::string kept = lost.directory.path("kept");
        fs::copy(lost.options.directory, kept, fs::copy_options::recursive);
        lost.lose_the_end();
        lost.mark_restored("20261130T090000Z-00000002");
        { const auto store = lost.open(); }
        fs::remove_all(lost.options.directory);
        fs::copy(kept, lost.options.directory, fs::copy_options::recursive);
        CHECK(says(lost.refusal(), "another store was put in its place"));
    }
}

TEST_CASE("a person may take a ledger that lost its end, and both places say so from then on") {
    Lost lost;
    lost.lose_the_end();
    lost.options.take_as_is = true;
    {
        const auto store = lost.open();
        CHECK(says(store->lost(), "turn 16 was acknowledged"));
        // Nothing is decided before something is written.
    }
    lost.options.take_as_is = false;
    CHECK(says(lost.refusal(), "turn 16 was acknowledged"));
    lost.options.take_as_is = true;
    {
        const auto store = lost.open();
        lost.mark_restored("20261130T100000Z-00000003");
        REQUIRE(store->comes_from("20261130T100000Z-00000003"));
        Lost::work(*store, turns / 2 + 1);
    }
    lost.options.take_as_is = false;
    CHECK(lost.open()->last_turn_number() == turns / 2 + 1);
    CHECK(lost.second() == AcknowledgedCopy::Content{turns / 2 + 1, "20261130T100000Z-00000003"});
    lost.options.take_as_is = true;
    CHECK(lost.open()->lost().empty());
}

TEST_CASE("files that are taken away while the store works end it") {
    const Lost lost;
    const auto store = lost.open();
    store->refresh_health();
    REQUIRE_FALSE(store->health().failed);
    SECTION("removed: the next turn is not acknowledged") {
        remove_beside_the_store(lost.options.directory);
        const auto done = commit(*store, batch_of(turns + 1, {{{Family::journal, "k"}, "1"}}));
        REQUIRE_FALSE(done);
        CHECK(done.error().kind == StoreError::Kind::gone);
    }
    SECTION("removed, and nothing is written") { remove_beside_the_store(lost.options.directory); }
    SECTION("moved away") { fs::rename(lost.options.directory, lost.directory.path("away")); }
    SECTION("another one in its place") {
        fs::rename(lost.options.directory, lost.directory.path("away"));
        fs::copy(lost.directory.path("away"), lost.options.directory, fs::copy_options::recursive);
    }
    store->refresh_health();
    const auto health = store->health();
    REQUIRE(health.failed);
    CHECK(health.failed->kind == StoreError::Kind::gone);
    CHECK(says(health.failed->what, "while it worked"));
}
