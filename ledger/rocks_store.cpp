#include "ledger/rocks_store.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "iso8583/values/ensure.hpp"
#include "ledger/acknowledged_places.hpp"
#include "ledger/acknowledged_turn.hpp"
#include "ledger/backup_manifest.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/rocks_tables.hpp"
#include "ledger/turn_applier.hpp"

namespace ledger {

using iso8583::Result;

struct RocksStore::Impl {
    std::unique_ptr<RocksTables> tables;
    AcknowledgedPlaces acknowledged;
    std::atomic<std::uint64_t> last_turn;

    // `mutex` guards the three below.
    mutable std::mutex mutex;
    bool under_way = false;
    bool ended = false;
    std::optional<StoreError> failed;

    // The watcher: `watch_mutex` guards the two below.
    mutable std::mutex watch_mutex;
    std::condition_variable wake_watcher;
    StoreHealth last_health;
    bool watch_stopping = false;

    std::thread watcher;
    TurnApplier committer{1, [this](const Batch& batch) { return commit(batch); }};

    Impl(std::unique_ptr<RocksTables> t, AcknowledgedPlaces a)
        : tables(std::move(t)), acknowledged(std::move(a)), last_turn(tables->found_turn()) {
        refresh_health();
        watcher = std::thread([this] { run_watcher(); });
    }

    ~Impl() {
        {
            const std::lock_guard lock(watch_mutex);
            watch_stopping = true;
        }
        wake_watcher.notify_one();
        watcher.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void, StoreError> commit(const Batch& batch) {
        auto applied = tables->apply(batch, RocksTables::Sync::now);
        if (applied) applied = acknowledged.record(batch.turn_number);
        if (applied)
            last_turn.store(batch.turn_number);
        else
            tables->give_up();
        return applied;
    }

    void end(const Result<void, StoreError>& committed, const std::function<void()>& done) {
        {
            const std::lock_guard lock(mutex);
            if (!committed) failed = committed.error();
            ended = true;
        }
        if (done) done();
    }

    void run_watcher() {
        std::unique_lock lock(watch_mutex);
        while (!watch_stopping) {
            lock.unlock();
            refresh_health();
            lock.lock();
            wake_watcher.wait_for(lock, std::chrono::milliseconds(tables->options().health_poll_ms),
                                  [this] { return watch_stopping; });
        }
    }

    [[nodiscard]] StoreHealth look() const {
        StoreHealth health = tables->look();
        health.warning = acknowledged.warning();
        if (auto gone = tables->is_gone()) health.failed = std::move(gone);
        const std::lock_guard lock(mutex);
        if (failed) {
            health.accepts_new_work = false;
            health.reason = failed->what;
        }
        return health;
    }

    void refresh_health() {
        StoreHealth now = look();
        const std::lock_guard lock(watch_mutex);
        last_health = std::move(now);
    }
};

RocksStore::RocksStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksStore::~RocksStore() = default;

Result<std::unique_ptr<RocksStore>, StoreError> RocksStore::open(const RocksStoreOptions& options) {
    return over(RocksTables::open(options));
}

Result<std::unique_ptr<RocksStore>, StoreError> RocksStore::open_on(const RocksStoreOptions& options,
                                                                    rocksdb::Env& env) {
    return over(RocksTables::open_on(options, env));
}

namespace {

Result<FoundStore, StoreError> found_store(const RocksTables& tables) {
    FoundStore found;
    found.directory = tables.options().directory;
    found.last_turn = tables.found_turn();
    const std::string path = found.directory + "/" + backup_mark_name;
    const auto text = read_small_file(path, manifest_bytes_max);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return found;
    const auto mark = parse_backup_mark(iso8583::as_text(**text));
    if (!mark)
        return tl::unexpected(StoreError{StoreError::Kind::corruption, path + ": " + mark.error().what});
    if (mark->id.size() > AcknowledgedCopy::backup_bytes_max)
        return tl::unexpected(StoreError{StoreError::Kind::corruption,
                                         path + ": the id is longer than " +
                                             std::to_string(AcknowledgedCopy::backup_bytes_max) + " bytes"});
    found.backup = mark->id;
    const auto known = tables.get(Family::index, restore_key(mark->id));
    if (!known) return tl::unexpected(known.error());
    found.has_worked_since = known->has_value();
    return found;
}

}  // namespace

Result<std::unique_ptr<RocksStore>, StoreError> RocksStore::over(
    Result<std::unique_ptr<RocksTables>, StoreError> tables) {
    if (!tables) return tl::unexpected(tables.error());
    const RocksStoreOptions& options = (*tables)->options();
    const auto found = found_store(**tables);
    if (!found) return tl::unexpected(found.error());
    auto acknowledged =
        AcknowledgedPlaces::open({acknowledged_path(options.directory), options.acknowledged_copy,
                                  options.acknowledged_copy_ms, options.take_as_is, options.read_only},
                                 *found);
    if (!acknowledged) return tl::unexpected(acknowledged.error());
    return std::unique_ptr<RocksStore>(
        new RocksStore(std::make_unique<Impl>(std::move(*tables), std::move(*acknowledged))));
}

Result<std::optional<std::string>, StoreError> RocksStore::get(Family family, std::string_view key) const {
    return impl_->tables->get(family, key);
}

Result<void, StoreError> RocksStore::scan(Family family, std::string_view from, std::string_view to,
                                          const ScanVisitor& visit) const {
    return impl_->tables->scan(family, from, to, visit);
}

Result<void, StoreError> RocksStore::scan_back(Family family, std::string_view from, std::string_view to,
                                               const ScanVisitor& visit) const {
    return impl_->tables->scan_back(family, from, to, visit);
}

void RocksStore::begin_sync(Batch batch, std::function<void()> done) {
    {
        const std::lock_guard lock(impl_->mutex);
        ENSURE(!impl_->under_way);
        ENSURE(!impl_->tables->options().read_only);
        ENSURE(impl_->failed || batch.turn_number == impl_->last_turn.load() + 1);
        impl_->under_way = true;
    }
    impl_->committer.take(std::move(batch),
                          [impl = impl_.get(), done = std::move(done)](
                              const Result<void, StoreError>& committed) { impl->end(committed, done); });
}

Result<void, StoreError> RocksStore::finish_sync() {
    const std::lock_guard lock(impl_->mutex);
    ENSURE(impl_->ended);
    impl_->under_way = impl_->ended = false;
    if (impl_->failed) return tl::unexpected(*impl_->failed);
    return {};
}

std::shared_ptr<const StoreReader> RocksStore::snapshot() const { return impl_->tables->snapshot(); }

const std::string& RocksStore::directory() const { return impl_->tables->options().directory; }

std::uint64_t RocksStore::last_turn_number() const { return impl_->last_turn.load(); }

StoreHealth RocksStore::health() const {
    const std::lock_guard lock(impl_->watch_mutex);
    return impl_->last_health;
}

const std::string& RocksStore::lost() const { return impl_->acknowledged.taken(); }

Result<void, StoreError> RocksStore::comes_from(const std::string& backup) {
    return impl_->acknowledged.comes_from(backup);
}

void RocksStore::refresh_health() { impl_->refresh_health(); }

Result<void, StoreError> RocksStore::checkpoint(const std::string& directory) const {
    return impl_->tables->checkpoint(directory);
}

Result<void, StoreError> RocksStore::verify_checksums() const { return impl_->tables->verify_checksums(); }

}  // namespace ledger
