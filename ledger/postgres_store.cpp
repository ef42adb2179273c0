#include "ledger/postgres_store.hpp"

#include <chrono>

#include "ledger/postgres_committer.hpp"
#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_sql.hpp"

namespace ledger {

using iso8583::Result;

namespace {

constexpr const char* take_sql =
    "update cluster.shard set epoch = epoch + 1, owner = $2::text, address = $3::text, "
    "config_hash = $4::text, lease_until = clock_timestamp() + $5::bigint * interval '1 millisecond', "
    "move_to = null, move_ready = false where id = $1::int and (owner is null or owner = $2::text or "
    "lease_until < clock_timestamp()) "
    "returning epoch, turn";

}  // namespace

struct PostgresStore::Impl {
    const NumberPlan numbers;
    const std::uint64_t epoch;
    const std::size_t pipeline;
    const std::unique_ptr<PostgresCopy> copy;
    PostgresCommitter committer;
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
    PostgresCommitter::Taken taken;
    taken.sent = PostgresCommitter::Clock::now();
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
    // What the owner before us wrote until it was fenced.
    if (auto followed = (*copy)->follow(connection); !followed) return tl::unexpected(followed.error());
    PostgresCopy& shared = **copy;
    return std::unique_ptr<PostgresStore>(new PostgresStore(std::unique_ptr<Impl>(new Impl{
        {shard.code, shard.stan_from, shard.stan_to},
        taken.epoch,
        options.pipeline,
        std::move(*copy),
        {options, taken, owner.on_commit, shared, std::move(interrupt), std::move(*opened), host}})));
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
    impl_->committer.begin(std::move(batch), std::move(done));
}
Result<void, StoreError> PostgresStore::finish_sync() { return impl_->committer.finish(); }
std::size_t PostgresStore::syncs_in_flight_max() const { return impl_->pipeline; }
std::shared_ptr<const StoreReader> PostgresStore::snapshot() const {
    return impl_->copy->tables().snapshot();
}
std::uint64_t PostgresStore::last_turn_number() const { return impl_->committer.last_turn(); }
StoreHealth PostgresStore::health() const { return impl_->committer.look(impl_->copy->tables().look()); }
bool PostgresStore::may_answer() const { return impl_->committer.lease_runs(); }
const NumberPlan& PostgresStore::numbers() const { return impl_->numbers; }
std::uint64_t PostgresStore::epoch() const { return impl_->epoch; }
void PostgresStore::runs_by(const std::string& config_hash) { impl_->committer.runs_by(config_hash); }
std::string PostgresStore::wanted_by() const { return impl_->committer.wanted_by(); }
std::uint64_t PostgresStore::copy_seeds() const { return impl_->copy->seeds(); }

}  // namespace ledger
