// A shard that goes to another node, or out to one machine; what a standby believes of a lease; what an owner
// says of its configuration.
#include <atomic>
#include <filesystem>
#include <thread>

#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_export.hpp"
#include "ledger/postgres_standby.hpp"
#include "tests/cluster/cluster_servers.hpp"

using namespace ledger_test;
using ledger::PostgresOptions;
using ledger::PostgresStandby;
using ledger::StoreError;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

Batch one_put(std::uint64_t turn, const std::string& key, const std::string& value) {
    return batch_of(turn, {{{Family::journal, key}, value}});
}

PostgresOptions as_node(PostgresOptions options, const std::string& node) {
    options.node = node;
    return options;
}

/// A standby that says when it may take the shard.
class Waiting {
  public:
    Waiting(const PostgresOptions& options, const ledger::RocksStoreOptions& copy, const std::string& hash) {
        auto begun = PostgresStandby::begin(
            options, copy, hash, [this](const std::optional<StoreError>& why) { ended_ = why ? 2 : 1; });
        INFO((begun ? "" : begun.error().what));
        REQUIRE(begun);
        standby_ = std::move(*begun);
    }
    [[nodiscard]] bool may_take() const { return ended_ == 1; }
    [[nodiscard]] bool follows(std::uint64_t turn) const { return standby_->status().copy_turn == turn; }
    [[nodiscard]] std::string trouble() const { return standby_->status().trouble; }

  private:
    std::atomic<int> ended_{0};
    std::unique_ptr<PostgresStandby> standby_;
};

std::string shard_field(const std::string& field, const PostgresOptions& options) {
    return servers().sql(written(), "select " + field + " from cluster.shard", options.database);
}

}  // namespace

TEST_CASE("a shard goes to the node that stands by for it, and to no other") {
    const TempDirectory directory;
    const PostgresOptions a = new_cluster();
    const PostgresOptions b = as_node(a, "b"), c = as_node(a, "c");
    auto of_a = open(a, copy_in(directory, "a"));
    REQUIRE(commit(*of_a, one_put(1, "k", "1")));
    CHECK(of_a->wanted_by().empty());

    SECTION("nobody stands by: nothing is moved") {
        const auto moved = ledger::move_shard(a, "b", 20);
        REQUIRE_FALSE(moved);
        CHECK(moved.error().what.find("node b does not stand by") != std::string::npos);
        CHECK(shard_field("move_to is null", a) == "t");
        CHECK(of_a->wanted_by().empty());
        REQUIRE(commit(*of_a, one_put(2, "k", "2")));
    }
    SECTION("it is that node's already") {
        const auto moved = ledger::move_shard(a, "a", 20);
        REQUIRE_FALSE(moved);
        CHECK(moved.error().what == "shard 0 is node a's already");
    }
    SECTION("in order, and past another that stands by too") {
        Waiting waiting_b(b, copy_in(directory, "b"), "hash"), waiting_c(c, copy_in(directory, "c"), "hash");
        iso8583::Result<ledger::Moved, StoreError> moved =
            tl::unexpected(StoreError{StoreError::Kind::io, ""});
        std::thread mover([&] { moved = ledger::move_shard(a, "b", 60); });
        // Of an owner that writes all the time: the wish comes with the answer to a commit.
        std::uint64_t turn = 1;
        CHECK(eventually([&] {
            ++turn;
            return commit(*of_a, one_put(turn, "k", "2")) && of_a->wanted_by() == "b";
        }));
        of_a.reset();
        CHECK(eventually([&] { return waiting_b.may_take(); }));
        CHECK(eventually([&] {
            return waiting_c.trouble() == "the shard is on its way to node b" || waiting_c.may_take();
        }));
        CHECK_FALSE(waiting_c.may_take());
        const auto of_b = open(b, copy_in(directory, "b2"));
        mover.join();
        INFO((moved ? "" : moved.error().what));
        REQUIRE(moved);
        CHECK(moved->from == "a");
        CHECK(moved->epoch == of_b->epoch());
        CHECK(shard_field("move_to is null and not move_ready", a) == "t");
        CHECK(of_b->last_turn_number() == turn);
    }
    SECTION("an owner that writes nothing hears of it too") {
        const Waiting waiting_b(b, copy_in(directory, "b"), "hash");
        std::thread mover([&] { static_cast<void>(ledger::move_shard(a, "b", 5)); });
        CHECK(eventually([&] { return of_a->wanted_by() == "b"; }));
        mover.join();
    }
    SECTION("a node of another configuration does not take it") {
        const Waiting waiting_b(b, copy_in(directory, "b"), "another hash");
        CHECK(eventually([&] { return waiting_b.follows(1); }));
        const auto moved = ledger::move_shard(a, "b", 20);
        REQUIRE_FALSE(moved);
        CHECK(moved.error().what.find("would not take it") != std::string::npos);
        CHECK(of_a->wanted_by().empty());
    }
}

TEST_CASE("what an owner's configuration is read again, standbys compare with the new one") {
    const TempDirectory directory;
    const PostgresOptions a = new_cluster();
    auto of_a = open(a, copy_in(directory, "a"));
    of_a->runs_by("new hash");
    CHECK(eventually([&] { return shard_field("config_hash", a) == "new hash"; }));
    REQUIRE(commit(*of_a, one_put(1, "k", "1")));
    of_a->runs_by("newer hash");
    CHECK(eventually([&] { return shard_field("config_hash", a) == "newer hash"; }));
}

TEST_CASE("a lease that runs out while the database is away is the owner's to renew") {
    const TempDirectory directory;
    PostgresOptions a = new_cluster();
    a.lease_ms = 3'000;
    const PostgresOptions b = as_node(a, "b");
    const auto of_a = open(a, copy_in(directory, "a"));
    REQUIRE(commit(*of_a, one_put(1, "k", "1")));
    const Waiting waiting(b, copy_in(directory, "b"), "hash");
    REQUIRE(eventually([&] { return waiting.follows(1); }));
    const int killed = written();
    servers().order("kill " + std::to_string(killed));
    const auto over = Clock::now() + std::chrono::milliseconds(a.lease_ms + 500);
    REQUIRE(eventually([&] { return Clock::now() > over; }));
    const int next = std::stoi(servers().order("advance"));
    servers().order("promote " + std::to_string(next));
    written() = next;
    REQUIRE(commit(*of_a, one_put(2, "k", "2")));
    CHECK(eventually([&] { return waiting.follows(2); }));
    CHECK_FALSE(waiting.may_take());
    CHECK(shard_field("owner", a) == "a");
    servers().order("rejoin " + std::to_string(killed));
}

TEST_CASE("a shard is moved out to one machine, and read back") {
    const TempDirectory directory;
    const PostgresOptions options = new_cluster();
    const std::string data = directory.path("data");
    const ledger::RocksStoreOptions rocks = copy_in(directory);
    Model model;
    {
        const auto nothing = ledger::export_ledger(options, rocks, data);
        REQUIRE_FALSE(nothing);
        CHECK(nothing.error().what == "shard 0 holds nothing");
        CHECK_FALSE(std::filesystem::exists(data + "/store"));
    }
    {
        const auto store = open(options, copy_in(directory));
        Rng rng(9);
        for (std::uint64_t turn = 1; turn <= 40; ++turn) {
            const Batch batch = random_batch(rng, turn, 3'000);
            model.apply(batch);
            REQUIRE(commit(*store, batch));
        }
        const auto while_it_runs = ledger::export_ledger(options, rocks, data);
        REQUIRE_FALSE(while_it_runs);
        CHECK(while_it_runs.error().kind == StoreError::Kind::locked);
        CHECK(while_it_runs.error().what.find("owned by node a") != std::string::npos);
    }
    const auto without_key = ledger::export_ledger(options, rocks, data);
    REQUIRE_FALSE(without_key);
    CHECK(without_key.error().what.find("cluster.secret has no vault.key") != std::string::npos);
    REQUIRE(ledger::keep_secret(options, "vault.key", "sealed"));
    const auto exported = ledger::export_ledger(options, rocks, data);
    INFO((exported ? "" : exported.error().what));
    REQUIRE(exported);
    CHECK(exported->turn == 40);
    CHECK(exported->keys == model.families[0].size() + model.families[1].size());
    CHECK_FALSE(std::filesystem::exists(data + "/export.copy"));
    CHECK(std::filesystem::exists(data + "/vault.key"));
    const auto again = ledger::export_ledger(options, rocks, data);
    REQUIRE_FALSE(again);
    CHECK(again.error().what.find("is there already") != std::string::npos);

    ledger::RocksStoreOptions moved = rocks;
    moved.directory = data + "/store";
    const auto store = ledger::RocksStore::open(moved);
    REQUIRE(store);
    CHECK((*store)->last_turn_number() == 40);
    CHECK(contents_of(**store) == model);
    REQUIRE(commit(**store, one_put(41, "k", "goes on")));
    // The shard is as it was, and goes on too where that is wanted.
    const auto shard = open(options, copy_in(directory));
    CHECK(contents_of(*shard) == model);
}

TEST_CASE("tables of version 1 are brought to this program's, once") {
    const PostgresOptions options = new_cluster();
    servers().sql(
        written(),
        "alter table cluster.shard drop column move_to, drop column move_until, drop column move_ready; "
        "update cluster.meta set version = 1",
        options.database);
    const auto old = ledger::read_cluster(options);
    REQUIRE_FALSE(old);
    CHECK(old.error().what.find("have version 1") != std::string::npos);
    const auto upgraded = ledger::upgrade_cluster(options, "", "");
    REQUIRE(upgraded);
    CHECK(*upgraded);
    CHECK(ledger::read_cluster(options));
    CHECK_FALSE(ledger::upgrade_cluster(options, "", "").value());
}

TEST_CASE("tables of a newer program are left alone") {
    const TempDirectory directory;
    const PostgresOptions options = new_cluster();
    servers().sql(written(), "update cluster.meta set version = 3", options.database);
    const std::string says = "have version 3, this program knows 2 only (a newer program has made them";
    const auto status = ledger::read_cluster(options);
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == StoreError::Kind::version);
    CHECK(status.error().what.find(says) != std::string::npos);
    const auto opened = try_to_open(options, copy_in(directory));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == StoreError::Kind::version);
    CHECK(opened.error().what.find(says) != std::string::npos);
    CHECK_FALSE(ledger::upgrade_cluster(options, "", "").value());
    CHECK_FALSE(ledger::create_cluster(options, "", "", 1));
    CHECK(servers().sql(written(), "select version from cluster.meta", options.database) == "3");
    CHECK(servers().sql(written(), "select epoch from cluster.shard", options.database) == "0");
}

TEST_CASE("a copy that lacks a row of the tables is noticed by the first turn that would write it as new") {
    const std::uint32_t pipeline = GENERATE(1U, 4U);
    INFO("pipeline " << pipeline);
    const TempDirectory directory;
    PostgresOptions options = new_cluster();
    options.pipeline = pipeline;
    const auto store = open(options, copy_in(directory));
    REQUIRE(commit(*store, one_put(1, "k1", "1")));
    servers().sql(written(), "insert into shard_00.journal values ('k2', 'lost')", options.database);
    const auto refused = commit(*store, one_put(2, "k2", "2"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == StoreError::Kind::corruption);
    CHECK(refused.error().what.find("has a key that shard 0 holds and the copy in " + directory.path("copy") +
                                    " does not: the copy is damaged; remove it, and it is filled anew") !=
          std::string::npos);
    CHECK(servers().sql(written(), "select turn from cluster.shard", options.database) == "1");
    CHECK(servers().sql(written(), "select value from shard_00.journal where key = 'k2'", options.database) ==
          "\\x6c6f7374");
}

TEST_CASE("a standby whose server falls silent within a read looks for another after a reply's time") {
    const TempDirectory directory;
    const PostgresOptions a = new_cluster();
    PostgresOptions b = as_node(a, "b");
    b.reply_ms = 300;
    auto of_a = open(a, copy_in(directory, "a"));
    REQUIRE(commit(*of_a, one_put(1, "k", "1")));
    const Waiting standby(b, copy_in(directory, "b"), "");
    REQUIRE(eventually([&] { return standby.follows(1); }));
    std::size_t first = 0;
    const ledger::PostgresInterrupt never;
    auto holder = ledger::PostgresConnection::open(a, first, never);
    REQUIRE(holder);
    // Whoever reads the log of keys now hears nothing, as from a server that is cut off or frozen.
    REQUIRE((*holder)->run_script("begin; lock table shard_00.turns in access exclusive mode", a.reply_ms));
    CHECK(eventually(
        [&] { return standby.trouble().find("has not answered for 300 ms") != std::string::npos; }));
    REQUIRE((*holder)->run_script("rollback", a.reply_ms));
    REQUIRE(commit(*of_a, one_put(2, "k", "2")));
    CHECK(eventually([&] { return standby.follows(2); }));
}
