#include "ledger/rocks_store.hpp"

#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "iso8583/values/ensure.hpp"
#include "ledger/acknowledged_turn.hpp"
#include "ledger/rocks_database.hpp"

namespace ledger {

using iso8583::Result;
using rocksdb::Slice;
using rocksdb::Status;

namespace {

class RocksSnapshot final : public StoreReader {
  public:
    explicit RocksSnapshot(std::shared_ptr<const RocksDatabase> database)
        : database_(std::move(database)), snapshot_(database_->db->GetSnapshot()) {
        options_.snapshot = snapshot_;
        options_.fill_cache = false;  // reports read a lot once
    }
    ~RocksSnapshot() override { database_->db->ReleaseSnapshot(snapshot_); }
    RocksSnapshot(const RocksSnapshot&) = delete;
    RocksSnapshot& operator=(const RocksSnapshot&) = delete;

    [[nodiscard]] Result<std::optional<std::string>, StoreError> get(Family family,
                                                                     std::string_view key) const override {
        return database_->get(options_, family, key);
    }
    Result<void, StoreError> scan(Family family, std::string_view from, std::string_view to,
                                  const ScanVisitor& visit) const override {
        return database_->scan(options_, family, from, to, visit);
    }
    Result<void, StoreError> scan_back(Family family, std::string_view from, std::string_view to,
                                       const ScanVisitor& visit) const override {
        return database_->scan_back(options_, family, from, to, visit);
    }

  private:
    std::shared_ptr<const RocksDatabase> database_;
    const rocksdb::Snapshot* snapshot_;
    rocksdb::ReadOptions options_;
};

/// Neighbours one after the other: the memtable goes on where it put the key before (rocks_database.cpp,
/// hint).
std::vector<const Mutation*> in_key_order(const Batch& batch) {
    std::vector<const Mutation*> ordered;
    ordered.reserve(batch.mutations.size());
    for (const Mutation& m : batch.mutations) ordered.push_back(&m);
    // Stable: a key that is written twice keeps its order.
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const Mutation* a, const Mutation* b) { return a->key < b->key; });
    return ordered;
}

}  // namespace

struct RocksStore::Impl {
    RocksStoreOptions options;
    std::shared_ptr<RocksDatabase> database;
    AcknowledgedTurn acknowledged;
    std::atomic<std::uint64_t> last_turn;

    // The committer: `mutex` guards sync, job, failed and stopping.
    enum class Sync : std::uint8_t { none, handed_over, done };
    mutable std::mutex mutex;
    std::condition_variable wake_committer;
    Sync sync = Sync::none;
    Batch job;
    std::function<void()> job_done;
    std::optional<StoreError> failed;
    bool stopping = false;

    // The watcher: `watch_mutex` guards the two below.
    mutable std::mutex watch_mutex;
    std::condition_variable wake_watcher;
    StoreHealth last_health;
    bool watch_stopping = false;

    std::thread committer;
    std::thread watcher;

    Impl(const RocksStoreOptions& o, std::shared_ptr<RocksDatabase> d, AcknowledgedTurn a, std::uint64_t last)
        : options(o), database(std::move(d)), acknowledged(std::move(a)), last_turn(last) {
        refresh_health();
        committer = std::thread([this] { run_committer(); });
        watcher = std::thread([this] { run_watcher(); });
    }

    ~Impl() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        {
            const std::lock_guard lock(watch_mutex);
            watch_stopping = true;
        }
        wake_committer.notify_one();
        wake_watcher.notify_one();
        committer.join();
        watcher.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void, StoreError> commit(const Batch& batch) {
        constexpr std::size_t bytes_a_mutation = 384;
        rocksdb::WriteBatch writes(64 + batch.mutations.size() * bytes_a_mutation);
        Status status = database->add_turn_number(writes, batch.turn_number);
        for (const Mutation* m : in_key_order(batch)) {
            if (!status.ok()) break;
            auto* handle = database->handle(m->key.family);
            status =
                m->value ? writes.Put(handle, m->key.bytes, *m->value) : writes.Delete(handle, m->key.bytes);
        }
        rocksdb::WriteOptions durable;
        durable.sync = true;
        if (status.ok()) status = database->db->Write(durable, &writes);
        if (!status.ok()) return store_error("committing turn " + std::to_string(batch.turn_number), status);
        return acknowledged.record(batch.turn_number);
    }

    void run_committer() {
        std::unique_lock lock(mutex);
        while (true) {
            wake_committer.wait(lock, [this] { return stopping || sync == Sync::handed_over; });
            if (sync != Sync::handed_over) return;
            const Batch batch = std::move(job);
            const std::function<void()> done = std::move(job_done);
            if (!failed) {
                lock.unlock();
                const Result<void, StoreError> result = commit(batch);
                lock.lock();
                if (result) {
                    last_turn.store(batch.turn_number);
                } else {
                    failed = result.error();
                    database->broken = true;
                }
            }
            sync = Sync::done;
            lock.unlock();
            if (done) done();
            lock.lock();
        }
    }

    void run_watcher() {
        std::unique_lock lock(watch_mutex);
        while (!watch_stopping) {
            lock.unlock();
            refresh_health();
            lock.lock();
            wake_watcher.wait_for(lock, std::chrono::milliseconds(options.health_poll_ms),
                                  [this] { return watch_stopping; });
        }
    }

    [[nodiscard]] std::uint64_t wal_bytes() const {
        std::vector<rocksdb::Env::FileAttributes> files;
        database->env->GetChildrenFileAttributes(database_path(options.directory), &files)
            .PermitUncheckedError();
        std::uint64_t bytes = 0;
        for (const auto& file : files)
            if (std::string_view(file.name).ends_with(".log")) bytes += file.size_bytes;
        return bytes;
    }

    [[nodiscard]] std::uint64_t property(const Slice& name) const {
        std::uint64_t value = 0;
        database->db->GetIntProperty(name, &value);
        return value;
    }

    [[nodiscard]] StoreHealth look() const {
        StoreHealth health;
        health.log_bytes = wal_bytes();
        const bool disk_known = database->env->GetFreeSpace(options.directory, &health.disk_free_bytes).ok();
        const auto refuse = [&health](std::string why) {
            health.accepts_new_work = false;
            if (health.reason.empty()) health.reason = std::move(why);
        };
        {
            const std::lock_guard lock(mutex);
            if (failed) refuse(failed->what);
        }
        if (property(rocksdb::DB::Properties::kBackgroundErrors) != 0)
            refuse("the store met an error while writing tables");
        if (!disk_known) refuse("the free space of the disk cannot be read");
        if (disk_known && health.disk_free_bytes < options.disk_free_bytes_min)
            refuse("the disk is nearly full: " + std::to_string(health.disk_free_bytes >> 20) +
                   " MiB are free, " + std::to_string(options.disk_free_bytes_min >> 20) + " MiB are needed");
        if (property(rocksdb::DB::Properties::kIsWriteStopped) != 0)
            refuse("the store has stopped writes until it has caught up");
        else if (property(rocksdb::DB::Properties::kActualDelayedWriteRate) != 0)
            refuse("the store is slowing writes down until it has caught up");
        if (health.log_bytes > 2 * options.wal_bytes_max)
            refuse("the write-ahead log is twice as long as it may be");
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
    return open_on(options, *rocksdb::Env::Default());
}

Result<std::unique_ptr<RocksStore>, StoreError> RocksStore::open_on(const RocksStoreOptions& options,
                                                                    rocksdb::Env& env) {
    auto database = open_rocks_database(options, env);
    if (!database) return tl::unexpected(database.error());
    const auto last = check_turns(**database);
    if (!last) return tl::unexpected(last.error());
    const std::string acknowledged_file = acknowledged_path(options.directory);
    auto acknowledged = options.read_only ? AcknowledgedTurn::look(acknowledged_file)
                                          : AcknowledgedTurn::open(acknowledged_file);
    if (!acknowledged) return tl::unexpected(acknowledged.error());
    if (acknowledged->found() > *last)
        return store_error(
            StoreError::Kind::corruption,
            "turn " + std::to_string(acknowledged->found()) + " was acknowledged, but the store in " +
                options.directory + " could be recovered only up to turn " + std::to_string(*last) +
                ": its write-ahead log is damaged, or the disk does not keep what it says it has synced");
    return std::unique_ptr<RocksStore>(new RocksStore(
        std::make_unique<Impl>(options, std::move(*database), std::move(*acknowledged), *last)));
}

Result<std::optional<std::string>, StoreError> RocksStore::get(Family family, std::string_view key) const {
    return impl_->database->get(rocksdb::ReadOptions(), family, key);
}

Result<void, StoreError> RocksStore::scan(Family family, std::string_view from, std::string_view to,
                                          const ScanVisitor& visit) const {
    return impl_->database->scan(rocksdb::ReadOptions(), family, from, to, visit);
}

Result<void, StoreError> RocksStore::scan_back(Family family, std::string_view from, std::string_view to,
                                               const ScanVisitor& visit) const {
    return impl_->database->scan_back(rocksdb::ReadOptions(), family, from, to, visit);
}

void RocksStore::begin_sync(Batch batch, std::function<void()> done) {
    {
        const std::lock_guard lock(impl_->mutex);
        ENSURE(impl_->sync == Impl::Sync::none);
        ENSURE(!impl_->options.read_only);
        ENSURE(impl_->failed || batch.turn_number == impl_->last_turn.load() + 1);
        impl_->job = std::move(batch);
        impl_->job_done = std::move(done);
        impl_->sync = Impl::Sync::handed_over;
    }
    impl_->wake_committer.notify_one();
}

Result<void, StoreError> RocksStore::finish_sync() {
    const std::lock_guard lock(impl_->mutex);
    ENSURE(impl_->sync == Impl::Sync::done);
    impl_->sync = Impl::Sync::none;
    if (impl_->failed) return tl::unexpected(*impl_->failed);
    return {};
}

std::shared_ptr<const StoreReader> RocksStore::snapshot() const {
    return std::make_shared<RocksSnapshot>(impl_->database);
}

const std::string& RocksStore::directory() const { return impl_->options.directory; }

std::uint64_t RocksStore::last_turn_number() const { return impl_->last_turn.load(); }

StoreHealth RocksStore::health() const {
    const std::lock_guard lock(impl_->watch_mutex);
    return impl_->last_health;
}

void RocksStore::refresh_health() { impl_->refresh_health(); }

Result<void, StoreError> RocksStore::checkpoint(const std::string& directory) const {
    const std::string doing = "making a checkpoint in " + directory;
    rocksdb::Env& env = *impl_->database->env;
    if (Status s = env.CreateDir(directory); !s.ok()) return store_error(doing, s);
    rocksdb::Checkpoint* raw = nullptr;
    Status status = rocksdb::Checkpoint::Create(impl_->database->db.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> maker(raw);
    if (status.ok()) status = maker->CreateCheckpoint(database_path(directory));
    if (status.ok()) status = sync_directory(env, directory);
    if (!status.ok()) return store_error(doing, status);
    return {};
}

Result<void, StoreError> RocksStore::verify_checksums() const {
    const Status status = impl_->database->db->VerifyChecksum();
    if (!status.ok()) return store_error("verifying the store", status);
    return {};
}

}  // namespace ledger
