#include "ledger/postgres_standby.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_sql.hpp"

namespace ledger {

using iso8583::Result;

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
        return judge(shards->front());
    }

    bool judge(const ShardRow& shard) {
        const std::lock_guard lock(mutex);
        seen = {shard.owner, shard.address, shard.epoch, shard.turn, copy->mark().turn, ""};
        if (!shard.config_hash.empty() && shard.config_hash != config_hash) {
            seen.trouble =
                "node " + shard.owner + " runs by another configuration file: it is not taken over";
            return false;
        }
        return shard.owner.empty() || shard.owner == options.node || shard.lease_left_ms <= 0;
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

StandbyStatus PostgresStandby::status() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->seen;
}

}  // namespace ledger
