#include "ledger/rocks_tables.hpp"

#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

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
std::vector<const Mutation*> in_key_order(const Mutations& mutations) {
    std::vector<const Mutation*> ordered;
    ordered.reserve(mutations.size());
    for (const Mutation& m : mutations) ordered.push_back(&m);
    // Stable: a key that is written twice keeps its order.
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const Mutation* a, const Mutation* b) { return a->key < b->key; });
    return ordered;
}

std::uint64_t property(const RocksDatabase& database, const Slice& name) {
    std::uint64_t value = 0;
    database.db->GetIntProperty(name, &value);
    return value;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> place_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return std::pair<std::uint64_t, std::uint64_t>(status.st_dev, status.st_ino);
}

std::size_t bytes_for(const Mutations& mutations) {
    constexpr std::size_t bytes_a_mutation = 384;
    return 64 + mutations.size() * bytes_a_mutation;
}

}  // namespace

RocksTables::RocksTables(const RocksStoreOptions& options, std::shared_ptr<RocksDatabase> database,
                         std::uint64_t found_turn)
    : options_(options),
      database_(std::move(database)),
      found_turn_(found_turn),
      place_(place_of(options.directory)) {}
RocksTables::~RocksTables() = default;

Result<std::unique_ptr<RocksTables>, StoreError> RocksTables::open(const RocksStoreOptions& options) {
    return open_on(options, *rocksdb::Env::Default());
}

Result<std::unique_ptr<RocksTables>, StoreError> RocksTables::open_on(const RocksStoreOptions& options,
                                                                      rocksdb::Env& env) {
    auto database = open_rocks_database(options, env);
    if (!database) return tl::unexpected(database.error());
    const auto last = check_turns(**database);
    if (!last) return tl::unexpected(last.error());
    const auto mark = (*database)->copy_mark();
    if (!mark) return tl::unexpected(mark.error());
    if (*mark)
        return store_error(StoreError::Kind::version,
                           "the store in " + options.directory +
                               " is a copy of a ledger that lies on PostgreSQL, and no ledger of its own");
    return std::unique_ptr<RocksTables>(new RocksTables(options, std::move(*database), *last));
}

Result<std::unique_ptr<RocksTables>, StoreError> RocksTables::open_copy(const RocksStoreOptions& options) {
    auto database = open_rocks_database(options, *rocksdb::Env::Default());
    if (!database) return tl::unexpected(database.error());
    const auto last = check_turns(**database);
    if (!last) return tl::unexpected(last.error());
    if (*last != 0)
        return store_error(StoreError::Kind::version,
                           "the store in " + options.directory +
                               " is a ledger of its own, and no copy of one that lies on PostgreSQL");
    return std::unique_ptr<RocksTables>(new RocksTables(options, std::move(*database), 0));
}

Result<std::optional<std::string>, StoreError> RocksTables::get(Family family, std::string_view key) const {
    return database_->get(rocksdb::ReadOptions(), family, key);
}

Result<void, StoreError> RocksTables::scan(Family family, std::string_view from, std::string_view to,
                                           const ScanVisitor& visit) const {
    return database_->scan(rocksdb::ReadOptions(), family, from, to, visit);
}

Result<void, StoreError> RocksTables::scan_back(Family family, std::string_view from, std::string_view to,
                                                const ScanVisitor& visit) const {
    return database_->scan_back(rocksdb::ReadOptions(), family, from, to, visit);
}

std::shared_ptr<const StoreReader> RocksTables::snapshot() const {
    return std::make_shared<RocksSnapshot>(database_);
}

Result<void, StoreError> RocksTables::apply(const Batch& batch, Sync sync) {
    rocksdb::WriteBatch writes(bytes_for(batch.mutations));
    if (Status s = database_->add_turn_number(writes, batch.turn_number); !s.ok())
        return store_error("committing turn " + std::to_string(batch.turn_number), s);
    return write(writes, batch.mutations, sync, batch.turn_number);
}

Result<void, StoreError> RocksTables::apply_copied(const Mutations& mutations, const CopyMark& mark) {
    rocksdb::WriteBatch writes(bytes_for(mutations));
    if (Status s = database_->put_copy_mark(writes, mark); !s.ok())
        return store_error("copying turn " + std::to_string(mark.turn), s);
    return write(writes, mutations, Sync::later, mark.turn);
}

Result<std::optional<CopyMark>, StoreError> RocksTables::copy_mark() const { return database_->copy_mark(); }

Result<void, StoreError> RocksTables::write(rocksdb::WriteBatch& writes, const Mutations& mutations,
                                            Sync sync, std::uint64_t turn) {
    Status status;
    for (const Mutation* m : in_key_order(mutations)) {
        auto* handle = database_->handle(m->key.family);
        status = m->value ? writes.Put(handle, m->key.bytes, *m->value) : writes.Delete(handle, m->key.bytes);
        if (!status.ok()) break;
    }
    rocksdb::WriteOptions write_options;
    write_options.sync = sync == Sync::now;
    if (status.ok()) status = database_->db->Write(write_options, &writes);
    if (status.ok()) return {};
    give_up();
    return store_error("committing turn " + std::to_string(turn), status);
}

void RocksTables::give_up() { database_->broken = true; }

std::uint64_t RocksTables::wal_bytes() const {
    std::vector<rocksdb::Env::FileAttributes> files;
    database_->env->GetChildrenFileAttributes(database_path(options_.directory), &files)
        .PermitUncheckedError();
    std::uint64_t bytes = 0;
    for (const auto& file : files)
        if (std::string_view(file.name).ends_with(".log")) bytes += file.size_bytes;
    return bytes;
}

StoreHealth RocksTables::look() const {
    StoreHealth health;
    health.log_bytes = wal_bytes();
    const bool disk_known = database_->env->GetFreeSpace(options_.directory, &health.disk_free_bytes).ok();
    const auto refuse = [&health](std::string why) {
        health.accepts_new_work = false;
        if (health.reason.empty()) health.reason = std::move(why);
    };
    if (property(*database_, rocksdb::DB::Properties::kBackgroundErrors) != 0)
        refuse("the store met an error while writing tables");
    if (!disk_known) refuse("the free space of the disk cannot be read");
    if (disk_known && health.disk_free_bytes < options_.disk_free_bytes_min)
        refuse("the disk is nearly full: " + std::to_string(health.disk_free_bytes >> 20) +
               " MiB are free, " + std::to_string(options_.disk_free_bytes_min >> 20) + " MiB are needed");
    if (property(*database_, rocksdb::DB::Properties::kIsWriteStopped) != 0)
        refuse("the store has stopped writes until it has caught up");
    else if (property(*database_, rocksdb::DB::Properties::kActualDelayedWriteRate) != 0)
        refuse("the store is slowing writes down until it has caught up");
    if (health.log_bytes > 2 * options_.wal_bytes_max)
        refuse("the write-ahead log is twice as long as it may be");
    return health;
}

std::optional<StoreError> RocksTables::is_gone() const {
    const std::string current = database_path(options_.directory) + "/CURRENT";
    const auto gone = [](std::string what) { return StoreError{StoreError::Kind::gone, std::move(what)}; };
    struct stat status {};
    if (::stat(current.c_str(), &status) != 0) {
        const int code = errno;
        if (code != ENOENT && code != ENOTDIR && code != ESTALE)
            return std::nullopt;  // a read says what it is
        return gone("the store's files were taken away while it worked: " + current + ": " +
                    std::generic_category().message(code));
    }
    if (place_ && place_of(options_.directory) != place_)
        return gone("another directory was put in the place of " + options_.directory + " while it worked");
    return std::nullopt;
}

Result<void, StoreError> RocksTables::checkpoint(const std::string& directory) const {
    const std::string doing = "making a checkpoint in " + directory;
    rocksdb::Env& env = *database_->env;
    if (Status s = env.CreateDir(directory); !s.ok()) return store_error(doing, s);
    rocksdb::Checkpoint* raw = nullptr;
    Status status = rocksdb::Checkpoint::Create(database_->db.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> maker(raw);
    if (status.ok()) status = maker->CreateCheckpoint(database_path(directory));
    if (status.ok()) status = sync_directory(env, directory);
    if (!status.ok()) return store_error(doing, status);
    return {};
}

Result<void, StoreError> RocksTables::verify_checksums() const {
    const Status status = database_->db->VerifyChecksum();
    if (!status.ok()) return store_error("verifying the store", status);
    return {};
}

}  // namespace ledger
