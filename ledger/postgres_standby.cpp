#include "ledger/postgres_standby.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_sql.hpp"

namespace ledger {

using iso8583::Result;
using Clock = std::chrono::steady_clock;

namespace {

/// Between two looks at the shard; a takeover comes so much later than the lease's end at most.
constexpr std::chrono::milliseconds look_every{100};

}  // namespace

struct PostgresStandby::Impl {
    const PostgresOptions options;
    const std::string config_hash;
    const MayEnd may_end;
    const std::unique_ptr<PostgresCopy> copy;

    PostgresInterrupt interrupt;
    std::unique_ptr<PostgresConnection> connection;  // waits by it
    std::size_t next_host = 0;
    Clock::time_point seen_since;  // the shard's row has been read at each look since

    mutable std::mutex mutex;  // guards the two below
    std::condition_variable wake;
    bool stopping = false;
    StandbyStatus seen;

    std::thread follower;

    Impl(const PostgresOptions& o, std::string hash, MayEnd end, std::unique_ptr<PostgresCopy> c)
        : options(o), config_hash(std::move(hash)), may_end(std::move(end)), copy(std::move(c)) {
        seen.copy_turn = copy->mark().turn;
        follower = std::thread([this] { run(); });
    }
    ~Impl() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        interrupt.raise();
        wake.notify_one();
        follower.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run() {
        for (;;) {
            const auto may_take = look();
            std::unique_lock lock(mutex);
            if (stopping) return;
            if (!may_take || *may_take) {
                lock.unlock();
                return may_end(may_take ? std::nullopt : std::optional(may_take.error()));
            }
            if (wake.wait_for(lock, look_every, [this] { return stopping; })) return;
        }
    }

    void has_trouble(const std::string& why) {
        const std::lock_guard lock(mutex);
        seen.trouble = why;
    }

    /// Whether the shard may be taken now. An error is final.
    Result<bool, StoreError> look() {
        if (!connection) {
            auto opened = PostgresConnection::open(options, next_host, interrupt);
            if (!opened) {
                has_trouble(opened.error().what);
                return false;
            }
            connection = std::move(*opened);
            seen_since = Clock::now();
        }
        const auto followed = copy->follow(*connection);
        if (!followed && followed.error().kind != StoreError::Kind::io)
            return tl::unexpected(followed.error());
        const auto shards = followed ? read_shards(*connection, options.shard, options.reply_ms)
                                     : tl::unexpected(followed.error());
        if (!shards) {
            has_trouble(shards.error().what);
            connection.reset();
            next_host = (next_host + 1) % options.hosts.size();
            return false;
        }
        const ShardRow& shard = shards->front();
        const bool may_take = judge(shard);
        if (!may_take && shard.move_to == options.node && !shard.move_ready && status().trouble.empty())
            say_ready(shard.epoch);
        return may_take;
    }

    /// The shard is to come here: its owner may end, for what it wrote is here and we wait. A try that fails
    /// is made again at the next look.
    void say_ready(std::uint64_t epoch) {
        PostgresParams params;
        params.int4(static_cast<std::int32_t>(options.shard)).text(options.node).int8(epoch);
        static_cast<void>(
            connection->run("update cluster.shard set move_ready = true where id = $1::int and "
                            "move_to = $2::text and epoch = $3::bigint",
                            params, options.reply_ms));
    }

    StandbyStatus status() const {
        const std::lock_guard lock(mutex);
        return seen;
    }

    bool judge(const ShardRow& shard) {
        const std::lock_guard lock(mutex);
        seen = {shard.owner, shard.address, shard.epoch, shard.turn, copy->mark().turn, ""};
        if (!shard.config_hash.empty() && shard.config_hash != config_hash) {
            seen.trouble =
                "node " + shard.owner + " runs by another configuration file: it is not taken over";
            return false;
        }
        if (!shard.move_to.empty() && shard.move_to != options.node && shard.move_left_ms > 0) {
            seen.trouble = "the shard is on its way to node " + shard.move_to;
            return false;
        }
        if (shard.owner.empty() || shard.owner == options.node) return true;
        if (shard.move_to == options.node && shard.lease_left_ms <= 0) return true;
        // A lease that ran out while the database was away says nothing of its owner, who has the time of a
        // lease to renew it once there is one again.
        return shard.lease_left_ms <= 0 &&
               Clock::now() - seen_since >= std::chrono::milliseconds(options.lease_ms);
    }
};

PostgresStandby::PostgresStandby(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PostgresStandby::~PostgresStandby() = default;

Result<std::unique_ptr<PostgresStandby>, StoreError> PostgresStandby::begin(
    const PostgresOptions& options, const RocksStoreOptions& copy_options, const std::string& config_hash,
    MayEnd may_end) {
    auto copy = PostgresCopy::open(copy_options, options);
    if (!copy) return tl::unexpected(copy.error());
    return std::unique_ptr<PostgresStandby>(new PostgresStandby(
        std::make_unique<Impl>(options, config_hash, std::move(may_end), std::move(*copy))));
}

StandbyStatus PostgresStandby::status() const { return impl_->status(); }

}  // namespace ledger
