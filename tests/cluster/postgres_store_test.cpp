// PostgresStore over servers of its own: what every store must do, and what only this one promises: nothing
// acknowledged is lost when a server dies, freezes or lies, and one owner at a time.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <deque>
#include <filesystem>
#include <semaphore>
#include <thread>

#include "ledger/postgres_cluster.hpp"
#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_import.hpp"
#include "ledger/postgres_store.hpp"
#include "tests/cluster/cluster_servers.hpp"
#include "tests/ledger/store_conformance.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::PostgresOptions;
using ledger::PostgresStore;
using ledger::StoreError;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

class PostgresPlace final : public StorePlace {
  public:
    explicit PostgresPlace(std::uint32_t pipeline) { options_.pipeline = pipeline; }
    ledger::Store& open() override {
        store_ = ledger_test::open(options_, copy_in(directory_));
        return *store_;
    }
    void close() override { store_.reset(); }

  private:
    TempDirectory directory_;
    PostgresOptions options_ = new_cluster();
    std::unique_ptr<PostgresStore> store_;
};

/// A commit that has begun and whose end is waited for apart.
class Begun {
  public:
    Begun(ledger::Store& store, Batch batch) : store_(store) {
        store_.begin_sync(std::move(batch), [this] { done_ = true; });
    }
    [[nodiscard]] bool done() const { return done_; }
    iso8583::Result<void, StoreError> finish() {
        REQUIRE(eventually([this] { return done(); }, 60s));
        return store_.finish_sync();
    }

  private:
    ledger::Store& store_;
    std::atomic<bool> done_{false};
};

Batch one_put(std::uint64_t turn, const std::string& key, const std::string& value) {
    return batch_of(turn, {{{Family::journal, key}, value}});
}

/// Kills the server that is written and has the most advanced standby take its place.
void fail_over() {
    servers().order("kill " + std::to_string(written()));
    const int next = std::stoi(servers().order("advance"));
    servers().order("promote " + std::to_string(next));
    written() = next;
}

/// All three are there again.
void mend(int node) { servers().order("rejoin " + std::to_string(node)); }

/// Nobody confirms what is written from now on. Which they are.
std::vector<int> freeze_standbys() {
    std::vector<int> standbys;
    for (int node = 0; node < 3; ++node)
        if (node != written()) standbys.push_back(node);
    for (const int node : standbys) servers().order("freeze " + std::to_string(node));
    return standbys;
}

/// The written server is gone for good with what it alone has; of the frozen ones the most advanced takes its
/// place.
void fail_over_to(const std::vector<int>& frozen) {
    servers().order("kill " + std::to_string(written()));
    for (const int node : frozen) servers().order("thaw " + std::to_string(node));
    written() = std::stoi(servers().order("advance"));
    servers().order("promote " + std::to_string(written()));
}

}  // namespace

TEST_CASE("PostgresStore does what every store must") {
    for (const std::uint32_t pipeline : {1U, 4U})
        for (const ConformanceCase& c : conformance_cases()) DYNAMIC_SECTION(c.name << ", " << pipeline) {
                c.run([pipeline] { return std::make_unique<PostgresPlace>(pipeline); });
            }
}

TEST_CASE("the tables are made once, and only in a database that is meant for them") {
    const TempDirectory directory;
    PostgresOptions options = servers().new_database();
    const auto without = try_to_open(options, copy_in(directory));
    REQUIRE_FALSE(without);
    CHECK(without.error().kind == StoreError::Kind::version);
    CHECK(without.error().what.find("cluster init") != std::string::npos);

    REQUIRE(ledger::create_cluster(options, "", "", 2));
    const auto again = ledger::create_cluster(options, "", "", 2);
    REQUIRE_FALSE(again);
    CHECK(again.error().what.find("already") != std::string::npos);

    const auto status = ledger::read_cluster(options);
    REQUIRE(status);
    REQUIRE(status->shards.size() == 2);
    CHECK(status->shards[1].code == "01");
    CHECK(status->shards[1].owner.empty());
    CHECK(status->synchronous_standby_names == "ANY 1 (n0,n1,n2)");

    options.shard = 7;
    const auto no_shard = try_to_open(options, copy_in(directory));
    REQUIRE_FALSE(no_shard);
    CHECK(no_shard.error().what == "the cluster has no shard 7");

    options.password = "wrong";
    const auto stranger = try_to_open(options, copy_in(directory, "other"));
    REQUIRE_FALSE(stranger);
    CHECK(stranger.error().kind == StoreError::Kind::io);
    CHECK(stranger.error().what.find("password authentication failed") != std::string::npos);
}

TEST_CASE("a secret is kept as it was first stored") {
    const PostgresOptions options = new_cluster();
    CHECK(ledger::read_secret(options, "vault.key").value() == std::nullopt);
    CHECK(ledger::keep_secret(options, "vault.key", std::string("\0one", 4)).value() ==
          std::string("\0one", 4));
    CHECK(ledger::keep_secret(options, "vault.key", "two").value() == std::string("\0one", 4));
}

TEST_CASE("the vault's keys are the shard's own, and only its owner changes them") {
    const TempDirectory directory;
    const PostgresOptions options = servers().new_database();
    REQUIRE(ledger::create_cluster(options, "", "", 2));
    REQUIRE(ledger::keep_secret(options, "vault.key", "first"));
    CHECK(ledger::vault_secret_name(0) == "vault.key.00");
    CHECK(ledger::read_vault_secret(options).value() == "first");
    REQUIRE(ledger::keep_secret(options, ledger::vault_secret_name(0), "of 0"));
    CHECK(ledger::read_vault_secret(options).value() == "of 0");

    const auto owner = open(options, copy_in(directory));
    const std::uint64_t epoch = owner->epoch();
    CHECK_FALSE(ledger::replace_vault_secret(options, epoch + 1, "of 0", "changed"));
    CHECK_FALSE(ledger::replace_vault_secret(options, epoch, "of another", "changed"));
    CHECK(ledger::read_vault_secret(options).value() == "of 0");
    REQUIRE(ledger::replace_vault_secret(options, epoch, "of 0", "changed"));
    CHECK(ledger::read_vault_secret(options).value() == "changed");
    // The other shard has not started yet, and begins with what the cluster began with.
    CHECK(ledger::read_secret(options, "vault.key").value() == "first");
    REQUIRE(ledger::keep_secret(options, ledger::vault_secret_name(1), "of 1"));
    REQUIRE(ledger::replace_vault_secret(options, epoch, "changed", "again"));
    CHECK(ledger::read_secret(options, "vault.key").value() == std::nullopt);
    CHECK(ledger::read_vault_secret(options).value() == "again");
}

TEST_CASE("one owner at a time: the lease is waited for, and an orderly stop lets it go") {
    const TempDirectory directory;
    PostgresOptions a = new_cluster("a");
    PostgresOptions b = a;
    b.node = "b";
    auto of_a = open(a, copy_in(directory, "a"));
    REQUIRE(commit(*of_a, one_put(1, "k", "a's")));
    const auto refused = try_to_open(b, copy_in(directory, "b"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == StoreError::Kind::locked);
    CHECK(refused.error().what.find("owned by node a") != std::string::npos);

    // It writes nothing for longer than its lease, and keeps it.
    CHECK(eventually([&] { return of_a->health().cluster->lease_left_ms > 2'100; }));
    const auto lease_over = Clock::now() + std::chrono::milliseconds(a.lease_ms);
    REQUIRE(eventually([&] { return Clock::now() > lease_over; }));
    CHECK(of_a->may_answer());
    CHECK(of_a->health().accepts_new_work);
    CHECK_FALSE(try_to_open(b, copy_in(directory, "b")));

    const std::uint64_t epoch = of_a->epoch();
    of_a.reset();
    const auto of_b = open(b, copy_in(directory, "b"));
    CHECK(of_b->epoch() == epoch + 1);
    CHECK(of_b->last_turn_number() == 1);
    CHECK(of_b->get(Family::journal, "k").value() == "a's");
    CHECK(of_b->numbers().shard == "00");
}

TEST_CASE("an owner whose shard was taken is fenced, whatever it still wants to write") {
    const TempDirectory directory;
    const PostgresOptions options = new_cluster();
    const auto older = open(options, copy_in(directory, "older"));
    REQUIRE(commit(*older, one_put(1, "k", "older")));
    // Of the same name: it need not wait for the lease.
    const auto newer = open(options, copy_in(directory, "newer"));
    const auto late = commit(*older, one_put(2, "k", "too late"));
    REQUIRE_FALSE(late);
    CHECK(late.error().kind == StoreError::Kind::fenced);
    CHECK(late.error().what.find("was fenced") != std::string::npos);
    CHECK(older->health().failed.has_value());
    REQUIRE(commit(*newer, one_put(2, "l", "newer")));
    CHECK_FALSE(commit(*older, one_put(3, "k", "and for good")));
    CHECK(newer->last_turn_number() == 2);
    CHECK(newer->get(Family::journal, "k").value() == "older");
    CHECK(servers().sql(written(), "select count(*) from shard_00.turns", options.database) == "2");
}

TEST_CASE("an owner that writes nothing hears that it was fenced") {
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    options.lease_ms = 600;
    const auto older = open(options, copy_in(directory, "older"));
    const auto newer = open(options, copy_in(directory, "newer"));
    CHECK(eventually([&] { return older->health().failed.has_value(); }));
    CHECK(older->health().failed->kind == StoreError::Kind::fenced);
    CHECK(eventually([&] { return !older->may_answer(); }));
    CHECK(newer->may_answer());
}

TEST_CASE("a copy is filled once and then follows by the log of keys") {
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    options.turns_kept = 5;
    Model model;
    Rng rng(5);
    std::uint64_t turn = 0;
    const auto write = [&](PostgresStore& store, int turns) {
        for (int i = 0; i < turns; ++i) {
            const Batch batch = random_batch(rng, ++turn, 200);
            model.apply(batch);
            REQUIRE(commit(store, batch));
        }
    };
    {
        const auto store = open(options, copy_in(directory, "here"));
        CHECK(store->copy_seeds() == 1);  // the first is filled from what there is: nothing
        write(*store, 20);
    }
    {
        const auto store = open(options, copy_in(directory, "there"));
        CHECK(store->copy_seeds() == 1);
        CHECK(contents_of(*store) == model);
        write(*store, 4);
    }
    {
        const auto store = open(options, copy_in(directory, "here"));
        CHECK(store->copy_seeds() == 0);
        CHECK(contents_of(*store) == model);
        write(*store, 9);
    }
    const auto store = open(options, copy_in(directory, "there"));  // nine turns behind, and five are kept
    CHECK(store->copy_seeds() == 1);
    CHECK(contents_of(*store) == model);
    CHECK(servers().sql(written(), "select count(*) from shard_00.turns", options.database) == "5");
}

TEST_CASE("a copy that a kill left behind what was acknowledged is brought up to it") {
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    options.pipeline = 4;
    Model model;
    Rng rng(7);
    const auto write = [&](PostgresStore& store, std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t turn = from; turn <= to; ++turn) {
            const Batch batch = random_batch(rng, turn, 200);
            model.apply(batch);
            REQUIRE(commit(store, batch));
        }
    };
    {
        const auto store = open(options, copy_in(directory));
        write(*store, 1, 5);
        // What lies there when the process is killed now; PostgreSQL goes on without it.
        std::filesystem::copy(directory.path("copy"), directory.path("killed"),
                              std::filesystem::copy_options::recursive);
        write(*store, 6, 9);
    }
    const auto store = open(options, copy_in(directory, "killed"));
    CHECK(store->copy_seeds() == 0);
    CHECK(store->last_turn_number() == 9);
    CHECK(contents_of(*store) == model);
    write(*store, 10, 12);
    CHECK(contents_of(*store) == model);
}

TEST_CASE("PostgreSQL with less than what was acknowledged is not gone on with") {
    const TempDirectory directory;
    const PostgresOptions options = new_cluster();
    const auto lose = [&](const std::string& statement) {
        servers().sql(written(), statement, options.database);
    };
    auto store = open(options, copy_in(directory));
    for (std::uint64_t turn = 1; turn <= 3; ++turn) REQUIRE(commit(*store, one_put(turn, "k", "v")));
    SECTION("noticed by the owner that runs") {
        lose("update cluster.shard set turn = 2");
        const auto next = commit(*store, one_put(4, "k", "w"));
        REQUIRE_FALSE(next);
        CHECK(next.error().kind == StoreError::Kind::corruption);
        CHECK(next.error().what.find("stands at turn 2, turn 3 was acknowledged") != std::string::npos);
    }
    SECTION(
        "noticed by the owner whose taking it does not know, and who is not fenced by an owner before it") {
        lose("update cluster.shard set epoch = 0, owner = 'b'");
        const auto next = commit(*store, one_put(4, "k", "w"));
        REQUIRE_FALSE(next);
        CHECK(next.error().kind == StoreError::Kind::corruption);
        CHECK(next.error().what.find("stands at epoch 0, epoch 1 was acknowledged") != std::string::npos);
    }
    SECTION("the same by an owner that writes nothing, with its next renewal") {
        lose("update cluster.shard set epoch = 0, owner = 'b'");
        REQUIRE(eventually([&] { return store->health().failed.has_value(); }));
        CHECK(store->health().failed->kind == StoreError::Kind::corruption);
    }
    SECTION("noticed at the next start by the copy") {
        store.reset();
        lose("update cluster.shard set turn = 2");
        const auto again = try_to_open(options, copy_in(directory));
        REQUIRE_FALSE(again);
        CHECK(again.error().kind == StoreError::Kind::corruption);
        CHECK(again.error().what.find("acknowledged work was lost") != std::string::npos);
    }
    SECTION("noticed when others have gone on since") {
        store.reset();
        lose("update cluster.shard set turn = 2; delete from shard_00.turns where turn = 3");
        {
            const auto other = open(options, copy_in(directory, "other"));
            for (std::uint64_t turn = 3; turn <= 6; ++turn) REQUIRE(commit(*other, one_put(turn, "k", "x")));
        }
        const auto again = try_to_open(options, copy_in(directory));
        REQUIRE_FALSE(again);
        CHECK(again.error().kind == StoreError::Kind::corruption);
        CHECK(again.error().what.find("turn 3 is that of epoch") != std::string::npos);
    }
    SECTION("a copy of another ledger is not taken for ours") {
        store.reset();
        const auto other = try_to_open(new_cluster(), copy_in(directory));
        REQUIRE_FALSE(other);
        CHECK(other.error().what.find("is of another ledger") != std::string::npos);
    }
}

TEST_CASE("the ledger of one machine is moved into a new shard, and read back") {
    const TempDirectory directory;
    const PostgresOptions options = new_cluster();
    const ledger::RocksStoreOptions from = copy_in(directory, "store");
    Model model;
    {
        auto store = ledger::RocksStore::open(from);
        REQUIRE(store);
        Rng rng(9);
        for (std::uint64_t turn = 1; turn <= 40; ++turn) {
            const Batch batch = random_batch(rng, turn, 3'000);
            model.apply(batch);
            REQUIRE(commit(**store, batch));
        }
        const auto while_it_runs = ledger::import_ledger(options, from, "sealed", directory.path("scratch"));
        REQUIRE_FALSE(while_it_runs);
        CHECK(while_it_runs.error().kind == StoreError::Kind::locked);
    }
    const auto imported = ledger::import_ledger(options, from, "sealed", directory.path("scratch"));
    INFO((imported ? "" : imported.error().what));
    REQUIRE(imported);
    CHECK(imported->turn == 40);
    CHECK(imported->journal_keys == model.families[0].size());
    CHECK(imported->index_keys == model.families[1].size());
    CHECK_FALSE(std::filesystem::exists(directory.path("scratch")));
    CHECK(ledger::read_secret(options, "vault.key").value() == "sealed");

    const auto again = ledger::import_ledger(options, from, "sealed", directory.path("scratch"));
    REQUIRE_FALSE(again);
    CHECK(again.error().what.find("has been used") != std::string::npos);

    const auto store = open(options, copy_in(directory));
    CHECK(store->last_turn_number() == 40);
    CHECK(contents_of(*store) == model);
    REQUIRE(commit(*store, one_put(41, "k", "goes on")));
}

TEST_CASE("a server without a synchronous standby is not worked with") {
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    const std::string names = servers().sql(written(), "show synchronous_standby_names");
    servers().sql(written(), "alter system set synchronous_standby_names = ''");
    servers().sql(written(), "select pg_reload_conf()");
    REQUIRE(eventually([] { return servers().sql(written(), "show synchronous_standby_names").empty(); }));
    const auto refused = try_to_open(options, copy_in(directory));
    options.allow_unreplicated = true;
    const bool allowed = try_to_open(options, copy_in(directory)).has_value();
    servers().sql(written(), "alter system set synchronous_standby_names = '" + names + "'");
    servers().sql(written(), "select pg_reload_conf()");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("synchronous_standby_names is empty") != std::string::npos);
    CHECK(allowed);
}

TEST_CASE("a wait for the standby that somebody cancels is not acknowledged") {
    const std::uint32_t pipeline = GENERATE(1U, 4U);
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    options.pipeline = pipeline;
    options.reply_ms = 20'000;  // not the timer is looked at here
    const auto store = open(options, copy_in(directory));
    REQUIRE(commit(*store, one_put(1, "k", "1")));
    const std::vector<int> standbys = freeze_standbys();
    Begun second(*store, one_put(2, "k", "2"));
    const std::string cancel =
        "select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep' and "
        "datname = '" +
        options.database + "'";
    REQUIRE(eventually([&] { return servers().sql(written(), cancel) == "1"; }));
    // The server says INSERT 0 1 now, and a warning.
    REQUIRE(eventually([&] { return second.done() || store->health().cluster->undecided > 0; }));
    CHECK_FALSE(second.done());
    CHECK(store->last_turn_number() == 1);
    // The only server that has the turn is gone for good: the turn is written again where it is not.
    const int killed = written();
    fail_over_to(standbys);
    REQUIRE(second.finish());
    CHECK(servers().sql(written(), "select encode(value, 'escape') from shard_00.journal",
                        options.database) == "2");
    CHECK(servers().sql(written(), "select count(*) from shard_00.turns", options.database) == "2");
    REQUIRE(commit(*store, one_put(3, "k", "3")));
    mend(killed);
}

TEST_CASE("turns that a server shows and no standby has are neither acknowledged nor copied") {
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    options.pipeline = 4;
    options.reply_ms = 20'000;
    const auto store = open(options, copy_in(directory));
    REQUIRE(commit(*store, one_put(1, "k", "1")));
    const std::vector<int> standbys = freeze_standbys();
    std::deque<Begun> begun;
    for (std::uint64_t turn = 2; turn <= 5; ++turn)
        begun.emplace_back(*store, one_put(turn, "k" + std::to_string(turn), std::to_string(turn)));
    REQUIRE(eventually(
        [&] { return servers().sql(written(), "select turn from cluster.shard", options.database) == "5"; }));
    CHECK(store->last_turn_number() == 1);
    CHECK(std::none_of(begun.begin(), begun.end(), [](const Begun& turn) { return turn.done(); }));
    {
        PostgresOptions of_standby = options;
        of_standby.reply_ms = 500;
        const ledger::PostgresInterrupt interrupt;
        std::size_t host = 0;
        const auto connection = ledger::PostgresConnection::open(of_standby, host, interrupt);
        REQUIRE(connection);
        const auto copy = ledger::PostgresCopy::open(copy_in(directory, "standby"), of_standby);
        REQUIRE(copy);
        const auto followed = (*copy)->follow(**connection);
        REQUIRE_FALSE(followed);
        CHECK(followed.error().kind == StoreError::Kind::io);
        CHECK(followed.error().what.find("waiting until what was read is durable") != std::string::npos);
        CHECK_FALSE((*copy)->mark().whole);
    }
    // The only server that has them is gone for good: all are written again, in their order.
    const int killed = written();
    fail_over_to(standbys);
    for (Begun& turn : begun) REQUIRE(turn.finish());
    CHECK(store->last_turn_number() == 5);
    CHECK(servers().sql(written(),
                        "select string_agg(encode(value, 'escape'), '' order by key) from shard_00.journal",
                        options.database) == "12345");
    CHECK(servers().sql(written(), "select string_agg(turn::text, '' order by turn) from shard_00.turns",
                        options.database) == "12345");
    mend(killed);
}

TEST_CASE("a server that freezes is given up, and who takes its place is found") {
    const std::uint32_t pipeline = GENERATE(1U, 4U);
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    options.pipeline = pipeline;
    const auto store = open(options, copy_in(directory));
    REQUIRE(commit(*store, one_put(1, "k", "1")));
    const int frozen = written();
    servers().order("freeze " + std::to_string(frozen));
    const auto begun = Clock::now();
    Begun second(*store, one_put(2, "k", "2"));
    REQUIRE(eventually([&] { return !store->health().accepts_new_work; }));
    CHECK(store->health().reason.find("PostgreSQL has not confirmed") != std::string::npos);
    CHECK_FALSE(store->health().failed.has_value());
    const int next = std::stoi(servers().order("advance"));
    servers().order("promote " + std::to_string(next));
    written() = next;
    REQUIRE(second.finish());
    CHECK(Clock::now() - begun < 30s);
    CHECK(store->health().accepts_new_work);
    // The old one wakes up and finds itself alone: nobody hears of it.
    servers().order("thaw " + std::to_string(frozen));
    REQUIRE(commit(*store, one_put(3, "k", "3")));
    CHECK(servers().sql(written(), "select turn from cluster.shard", options.database) == "3");
    mend(frozen);
}

TEST_CASE("servers are killed under work: nothing acknowledged is lost, and no turn is missing") {
    const char* wanted = std::getenv("POSTGRES_KILLS");
    const std::uint32_t pipeline = GENERATE(1U, 4U);
    const int kills = (wanted == nullptr ? 4 : std::atoi(wanted)) / 2;
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    options.pipeline = pipeline;
    Model model;
    std::atomic<std::uint64_t> acknowledged{0};
    std::atomic<bool> stop{false};
    std::string error;
    std::int64_t longest_ms = 0;
    {
        const auto store = open(options, copy_in(directory));
        std::thread writer([&] {
            Rng rng(11);
            struct UnderWay {
                Batch batch;
                Clock::time_point begun;
            };
            std::deque<UnderWay> under_way;
            std::counting_semaphore<> done(0);
            const auto finish_oldest = [&] {
                done.acquire();
                if (const auto finished = store->finish_sync(); !finished && error.empty())
                    error = finished.error().what;
                const UnderWay oldest = std::move(under_way.front());
                under_way.pop_front();
                if (!error.empty()) return;
                longest_ms = std::max<std::int64_t>(
                    longest_ms,
                    std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - oldest.begun)
                        .count());
                model.apply(oldest.batch);
                acknowledged = oldest.batch.turn_number;
            };
            for (std::uint64_t turn = 1; !stop && error.empty(); ++turn) {
                Batch batch = random_batch(rng, turn, 300);
                batch.put(Family::journal, "turn" + std::to_string(turn), std::to_string(turn));
                under_way.push_back({batch, Clock::now()});
                store->begin_sync(std::move(batch), [&] { done.release(); });
                if (under_way.size() == options.pipeline) finish_oldest();
            }
            while (!under_way.empty()) finish_oldest();
        });
        for (int kill = 0; kill < kills; ++kill) {
            const std::uint64_t before = acknowledged;
            CHECK(eventually([&] { return acknowledged > before + 20 || !error.empty(); }));
            const int killed = written();
            fail_over();
            const std::uint64_t since = acknowledged;
            INFO("kill " << kill << ": " << store->health().reason);
            CHECK(eventually([&] { return acknowledged > since + 1 || !error.empty(); }));
            mend(killed);
        }
        stop = true;
        writer.join();
        CHECK(error.empty());
        CHECK(store->health().cluster->reconnects >= static_cast<std::uint64_t>(kills));
        CHECK(contents_of(*store) == model);
    }
    // As a switch that has never been here finds it.
    const auto store = open(options, copy_in(directory, "fresh"));
    CHECK(store->last_turn_number() == acknowledged);
    CHECK(contents_of(*store) == model);
    CHECK(servers().sql(written(), "select count(*) = max(turn) - min(turn) + 1 from shard_00.turns",
                        options.database) == "t");
    WARN("pipeline " << pipeline << ": " << kills << " kills, " << acknowledged
                     << " turns acknowledged, none lost; longest silence " << longest_ms << " ms");
}
