#include "ledger/postgres_store.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "iso8583/values/ensure.hpp"
#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_sql.hpp"

namespace ledger {

using iso8583::Result;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

// Between two tries to reach a server.
constexpr milliseconds retry_pause{100};

/// The fence as a read that is itself replicated: what it says, no later failure takes back.
constexpr const char* fence_sql =
    "update cluster.shard set owner = owner where id = $1::int and epoch = $2::bigint returning turn";
constexpr const char* renew_sql =
    "update cluster.shard set lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond' "
    "where id = $1::int and epoch = $2::bigint returning turn";
constexpr const char* let_go_sql =
    "update cluster.shard set lease_until = clock_timestamp() where id = $1::int and epoch = $2::bigint";
constexpr const char* take_sql =
    "update cluster.shard set epoch = epoch + 1, owner = $2::text, address = $3::text, "
    "config_hash = $4::text, lease_until = clock_timestamp() + $5::bigint * interval '1 millisecond' "
    "where id = $1::int and (owner is null or owner = $2::text or lease_until < clock_timestamp()) "
    "returning epoch, turn";

StoreError fenced_error(const PostgresOptions& options) {
    return {StoreError::Kind::fenced, "shard " + std::to_string(options.shard) +
                                          " has another owner now: node " + options.node +
                                          " was fenced, and answers nothing any more"};
}

std::int64_t steady_ms(Clock::time_point at) {
    return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
}

Result<void, StoreError> check_replication(PostgresConnection& connection, const PostgresOptions& options) {
    const auto replication = read_replication(connection, options.reply_ms);
    if (!replication) return tl::unexpected(replication.error());
    if (replication->synchronous_commit != "on")
        return tl::unexpected(
            StoreError{StoreError::Kind::version, connection.host() + ": synchronous_commit is \"" +
                                                      replication->synchronous_commit + "\" and not \"on\""});
    if (replication->synchronous_standby_names.empty() && !options.allow_unreplicated)
        return tl::unexpected(StoreError{
            StoreError::Kind::version,
            connection.host() +
                ": synchronous_standby_names is empty: what is acknowledged would die with that server "
                "([store.postgres] allow_unreplicated is for tests)"});
    return {};
}

}  // namespace

struct PostgresStore::Impl {
    const PostgresOptions options;
    const NumberPlan numbers;
    const std::uint64_t epoch;
    const std::unique_ptr<PostgresCopy> copy;
    const std::string commit_text;

    // The committer's own. The connections wait by the interrupt, which is older than the first of them.
    const std::unique_ptr<PostgresInterrupt> interrupt;
    std::unique_ptr<PostgresConnection> connection;
    std::size_t next_host;
    Clock::time_point renewed_at;  // when the last renewal or commit that was acknowledged was sent

    // `mutex` guards sync, job, failed, why_undecided and stopping.
    enum class Sync : std::uint8_t { none, handed_over, done };
    mutable std::mutex mutex;
    std::condition_variable wake_committer;
    Sync sync = Sync::none;
    Batch job;
    std::function<void()> job_done;
    std::optional<StoreError> failed;
    std::string why_undecided;
    bool stopping = false;

    std::atomic<std::uint64_t> last_turn;
    std::atomic<std::int64_t> lease_until_ms;       // of the steady clock
    std::atomic<std::int64_t> waiting_since_ms{0};  // a commit is under way since; 0: none
    std::atomic<std::int64_t> undecided_since_ms{0};
    std::atomic<std::uint64_t> undecided_count{0};
    std::atomic<std::uint64_t> reconnects{0};

    std::thread committer;

    struct Taken {
        std::uint64_t epoch = 0;
        NumberPlan numbers;
        Clock::time_point sent;
    };

    Impl(const PostgresOptions& o, Taken taken, std::unique_ptr<PostgresCopy> c,
         std::unique_ptr<PostgresInterrupt> i, std::unique_ptr<PostgresConnection> conn, std::size_t host)
        : options(o),
          numbers(std::move(taken.numbers)),
          epoch(taken.epoch),
          copy(std::move(c)),
          commit_text(commit_sql(o.shard)),
          interrupt(std::move(i)),
          connection(std::move(conn)),
          next_host(host),
          last_turn(copy->mark().turn) {
        acknowledged_at(taken.sent);
        committer = std::thread([this] { run_committer(); });
    }

    ~Impl() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        wake_committer.notify_one();
        // Ends the waits of a commit that cannot be decided; nobody waits for it any more.
        if (undecided_since_ms.load() != 0) interrupt->raise();
        committer.join();
        if (connection && !failed &&
            !interrupt->raised()) {  // as an orderly stop: whoever stands by need not wait for the lease
            PostgresParams params = of_shard();
            static_cast<void>(connection->run(let_go_sql, params, options.reply_ms));
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    [[nodiscard]] PostgresParams of_shard() const {
        PostgresParams params;
        params.int4(static_cast<std::int32_t>(options.shard)).int8(epoch);
        return params;
    }

    void acknowledged_at(Clock::time_point sent) {
        renewed_at = sent;
        lease_until_ms.store(steady_ms(sent) + options.lease_ms);
    }

    void is_undecided(const PostgresError& why) {
        // Whoever has just been silent is asked last.
        if (connection) next_host = (next_host + 1) % options.hosts.size();
        connection.reset();
        if (undecided_since_ms.load() == 0) {
            undecided_since_ms.store(steady_ms(Clock::now()));
            ++undecided_count;
        }
        const std::lock_guard lock(mutex);
        why_undecided = why.what;
        if (stopping) interrupt->raise();
    }

    void is_decided() { undecided_since_ms.store(0); }

    /// A connection to the server that may be written and is replicated.
    Result<void, PostgresError> reconnect() {
        ++reconnects;
        auto opened = PostgresConnection::open(options, next_host, *interrupt);
        if (!opened) return tl::unexpected(opened.error());
        if (auto checked = check_replication(**opened, options); !checked)
            return tl::unexpected(PostgresError{PostgresError::Outcome::undecided, checked.error().what});
        connection = std::move(*opened);
        return {};
    }

    /// The turn that the shard stands at under our epoch: asked until somebody knows.
    Result<std::uint64_t, StoreError> ask_turn() {
        for (;;) {
            if (interrupt->raised())
                return tl::unexpected(StoreError{
                    StoreError::Kind::io, "stopped while a turn was undecided: " + reason_undecided()});
            if (!connection) {
                if (auto connected = reconnect(); !connected) {
                    is_undecided(connected.error());
                    pause();
                    continue;
                }
            }
            const auto rows = connection->run(fence_sql, of_shard(), options.reply_ms);
            if (rows && rows->empty()) return tl::unexpected(fenced_error(options));
            if (rows) return static_cast<std::uint64_t>(integer_of(rows->front().front()));
            is_undecided(rows.error());
            pause();
        }
    }

    void pause() {
        std::unique_lock lock(mutex);
        wake_committer.wait_for(lock, retry_pause, [this] { return stopping; });
        if (stopping) interrupt->raise();
    }

    std::string reason_undecided() const {
        const std::lock_guard lock(mutex);
        return why_undecided;
    }

    [[nodiscard]] StoreError lost_work(std::uint64_t stands_at) const {
        return {StoreError::Kind::corruption, "acknowledged work was lost on PostgreSQL: shard " +
                                                  std::to_string(options.shard) + " stands at turn " +
                                                  std::to_string(stands_at) + ", turn " +
                                                  std::to_string(last_turn.load()) + " was acknowledged"};
    }

    /// Until the turn is written on the primary and a standby, or never will be by us.
    Result<void, StoreError> commit(const Batch& batch) {
        const PostgresParams params = commit_params(batch, epoch, options);
        for (;;) {
            if (connection) {
                const auto sent = Clock::now();
                const auto rows = connection->run_prepared("commit", commit_text, params, options.reply_ms);
                if (rows && !rows->empty() && integer_of(rows->front().front()) == 1) {
                    acknowledged_at(sent);
                    return {};
                }
                if (!rows && rows.error().outcome == PostgresError::Outcome::refused)
                    return tl::unexpected(StoreError{
                        StoreError::Kind::io,
                        "committing turn " + std::to_string(batch.turn_number) + ": " + rows.error().what});
                // No row: it may be that the statement came in late over a connection that we gave up.
                if (!rows) is_undecided(rows.error());
            }
            const auto turn = ask_turn();
            if (!turn) return tl::unexpected(turn.error());
            if (*turn == batch.turn_number) return {};
            if (*turn != batch.turn_number - 1) return tl::unexpected(lost_work(*turn));
        }
    }

    Result<void, StoreError> commit_and_copy(const Batch& batch) {
        if (auto committed = commit(batch); !committed) return committed;
        return copy->apply(batch, epoch);
    }

    /// The lease of an owner that writes nothing.
    Result<void, StoreError> renew() {
        if (connection) {
            const auto sent = Clock::now();
            PostgresParams params = of_shard();
            params.int8(options.lease_ms);
            const auto rows = connection->run_prepared("renew", renew_sql, params, options.reply_ms);
            if (rows) {
                if (rows->empty()) return tl::unexpected(fenced_error(options));
                if (static_cast<std::uint64_t>(integer_of(rows->front().front())) < last_turn.load())
                    return tl::unexpected(
                        lost_work(static_cast<std::uint64_t>(integer_of(rows->front().front()))));
                acknowledged_at(sent);
                return {};
            }
            is_undecided(rows.error());
        }
        const auto turn = ask_turn();
        if (!turn) return tl::unexpected(turn.error());
        if (*turn < last_turn.load()) return tl::unexpected(lost_work(*turn));
        return {};  // and the next renewal is due at once
    }

    [[nodiscard]] Clock::time_point renewal_due() const {
        return renewed_at + milliseconds(options.lease_ms / 3);
    }

    void run_committer() {
        std::unique_lock lock(mutex);
        for (;;) {
            const auto wanted = [this] { return stopping || sync == Sync::handed_over; };
            if (failed)
                wake_committer.wait(lock, wanted);
            else
                wake_committer.wait_until(lock, renewal_due(), wanted);
            if (sync != Sync::handed_over && stopping) return;
            if (sync != Sync::handed_over) {
                lock.unlock();
                const auto renewed = renew();
                lock.lock();
                if (renewed) is_decided();
                if (!renewed && !stopping) failed = renewed.error();
                continue;
            }
            const Batch batch = std::move(job);
            const std::function<void()> done = std::move(job_done);
            if (!failed) {
                lock.unlock();
                const auto result = commit_and_copy(batch);
                lock.lock();
                if (result) {
                    last_turn.store(batch.turn_number);
                    is_decided();
                } else {
                    failed = result.error();
                }
            }
            sync = Sync::done;
            lock.unlock();
            waiting_since_ms.store(0);
            if (done) done();
            lock.lock();
        }
    }

    [[nodiscard]] StoreHealth look() const {
        StoreHealth health = copy->tables().look();
        health.log_bytes = 0;  // a restart reads PostgreSQL's last turns, not this log
        const std::int64_t now = steady_ms(Clock::now());
        const auto refuse = [&health](std::string why) {
            health.accepts_new_work = false;
            health.reason = std::move(why);
        };
        const std::int64_t since = waiting_since_ms.load();
        const std::int64_t undecided = undecided_since_ms.load();
        const std::int64_t longest =
            std::max(since == 0 ? 0 : now - since, undecided == 0 ? 0 : now - undecided);
        const std::lock_guard lock(mutex);
        if (longest > options.stall_ms)
            refuse("PostgreSQL has not confirmed for " + std::to_string(longest) +
                   " ms: " + (why_undecided.empty() || undecided == 0 ? "no answer yet" : why_undecided));
        if (failed) {
            refuse(failed->what);
            health.failed = failed;
        }
        health.cluster =
            ClusterHealth{epoch, lease_until_ms.load() - now, undecided_count.load(), reconnects.load()};
        return health;
    }
};

PostgresStore::PostgresStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PostgresStore::~PostgresStore() = default;

Result<std::unique_ptr<PostgresStore>, StoreError> PostgresStore::open(const PostgresOptions& options,
                                                                       const RocksStoreOptions& copy_options,
                                                                       const ShardOwner& owner) {
    auto copy = PostgresCopy::open(copy_options, options);
    if (!copy) return tl::unexpected(copy.error());
    auto interrupt = std::make_unique<PostgresInterrupt>();
    std::size_t host = 0;
    auto opened = PostgresConnection::open(options, host, *interrupt);
    if (!opened) return tl::unexpected(StoreError{StoreError::Kind::io, opened.error().what});
    PostgresConnection& connection = **opened;
    if (auto checked = check_replication(connection, options); !checked)
        return tl::unexpected(checked.error());
    // First, so that a copy with more than PostgreSQL has is refused before anybody is fenced.
    if (auto followed = (*copy)->follow(connection); !followed) return tl::unexpected(followed.error());

    PostgresParams params;
    params.int4(static_cast<std::int32_t>(options.shard))
        .text(options.node)
        .text(owner.address)
        .text(owner.config_hash)
        .int8(options.lease_ms);
    Impl::Taken taken;
    taken.sent = Clock::now();
    const auto rows = connection.run(take_sql, params, options.reply_ms);
    if (!rows)
        return tl::unexpected(StoreError{StoreError::Kind::io, "taking the shard: " + rows.error().what});
    const auto shards = read_shards(connection, options.shard, options.reply_ms);
    if (!shards) return tl::unexpected(shards.error());
    if (shards->empty())
        return tl::unexpected(StoreError{StoreError::Kind::version,
                                         "the cluster has no shard " + std::to_string(options.shard)});
    const ShardRow& shard = shards->front();
    if (rows->empty())
        return tl::unexpected(StoreError{StoreError::Kind::locked,
                                         "shard " + std::to_string(options.shard) + " is owned by node " +
                                             shard.owner + ", whose lease runs for " +
                                             std::to_string(shard.lease_left_ms) + " ms more"});
    taken.epoch = static_cast<std::uint64_t>(integer_of(rows->front()[0]));
    taken.numbers = NumberPlan{shard.code, shard.stan_from, shard.stan_to};
    // What the owner before us wrote until it was fenced.
    if (auto followed = (*copy)->follow(connection); !followed) return tl::unexpected(followed.error());
    return std::unique_ptr<PostgresStore>(new PostgresStore(std::make_unique<Impl>(
        options, std::move(taken), std::move(*copy), std::move(interrupt), std::move(*opened), host)));
}

Result<std::optional<std::string>, StoreError> PostgresStore::get(Family family, std::string_view key) const {
    return impl_->copy->tables().get(family, key);
}
Result<void, StoreError> PostgresStore::scan(Family family, std::string_view from, std::string_view to,
                                             const ScanVisitor& visit) const {
    return impl_->copy->tables().scan(family, from, to, visit);
}
Result<void, StoreError> PostgresStore::scan_back(Family family, std::string_view from, std::string_view to,
                                                  const ScanVisitor& visit) const {
    return impl_->copy->tables().scan_back(family, from, to, visit);
}

void PostgresStore::begin_sync(Batch batch, std::function<void()> done) {
    {
        const std::lock_guard lock(impl_->mutex);
        ENSURE(impl_->sync == Impl::Sync::none);
        ENSURE(impl_->failed || batch.turn_number == impl_->last_turn.load() + 1);
        impl_->job = std::move(batch);
        impl_->job_done = std::move(done);
        impl_->sync = Impl::Sync::handed_over;
        impl_->waiting_since_ms.store(steady_ms(Clock::now()));
    }
    impl_->wake_committer.notify_one();
}

Result<void, StoreError> PostgresStore::finish_sync() {
    const std::lock_guard lock(impl_->mutex);
    ENSURE(impl_->sync == Impl::Sync::done);
    impl_->sync = Impl::Sync::none;
    if (impl_->failed) return tl::unexpected(*impl_->failed);
    return {};
}

std::shared_ptr<const StoreReader> PostgresStore::snapshot() const {
    return impl_->copy->tables().snapshot();
}
std::uint64_t PostgresStore::last_turn_number() const { return impl_->last_turn.load(); }
StoreHealth PostgresStore::health() const { return impl_->look(); }
bool PostgresStore::may_answer() const { return steady_ms(Clock::now()) < impl_->lease_until_ms.load(); }
const NumberPlan& PostgresStore::numbers() const { return impl_->numbers; }
std::uint64_t PostgresStore::epoch() const { return impl_->epoch; }
std::uint64_t PostgresStore::copy_seeds() const { return impl_->copy->seeds(); }

}  // namespace ledger
