#include "ledger/rocks_database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "iso8583/values/bytes.hpp"

namespace ledger {

using iso8583::Result;
using rocksdb::Slice;
using rocksdb::Status;

namespace {

// Names on disk. Do not change: docs/ledger_format.md.
constexpr const char* database_name = "/rocks";
constexpr const char* creating_name = "/rocks.creating";
constexpr const char* lock_name = "/LOCK";
constexpr const char* acknowledged_name = "/acknowledged";
constexpr const char* journal_name = "journal";
constexpr const char* index_name = "index";
constexpr const char* marker_key = "FORMAT";
constexpr const char* copy_key = "COPY";
constexpr char turn_key_prefix = 't';
constexpr std::size_t turn_key_bytes = 3;

StoreError::Kind kind_of(const Status& status) {
    if (status.IsNoSpace()) return StoreError::Kind::disk_full;
    if (status.IsCorruption()) return StoreError::Kind::corruption;
    return StoreError::Kind::io;
}
std::string be64(std::uint64_t v) {
    std::string out;
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((v >> shift) & 0xFF));
    return out;
}
std::uint64_t parse_be(std::string_view bytes) {
    std::uint64_t v = 0;
    for (const char c : bytes) v = (v << 8) | static_cast<std::uint8_t>(c);
    return v;
}

std::string turn_key(std::uint64_t turn_number) {
    std::string key(1, turn_key_prefix);
    iso8583::append_be16(key, static_cast<std::uint16_t>(turn_number % RocksStore::turn_ring_slots));
    return key;
}

/// Forbids RocksDB to heal itself after an error (with a full disk it would try again and again on a thread
/// of its own): what failed once must not succeed later in the same process (rule R62).
class NoSelfHealing final : public rocksdb::EventListener {
  public:
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, Status, bool* auto_recovery) override {
        *auto_recovery = false;
    }
};

rocksdb::DBOptions database_options(const RocksStoreOptions& ours, rocksdb::Env& env) {
    rocksdb::DBOptions o;
    o.env = &env;
    o.create_if_missing = false;
    o.paranoid_checks = true;
    // A torn tail is what a power cut leaves and is dropped; acknowledged turns behind a damaged record are
    // noticed by the acknowledged-turn file and the turn ring.
    o.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    o.track_and_verify_wals_in_manifest = true;
    o.max_total_wal_size = ours.wal_bytes_max;
    o.max_bgerror_resume_count = 0;
    o.listeners.push_back(std::make_shared<NoSelfHealing>());
    o.max_background_jobs = 2;  // two cores: one flush and one compaction
    o.max_subcompactions = 1;
    o.max_open_files = ours.open_files_max;
    // Spreads the writing of tables, and lets it be ahead of the disk by no more than that: a commit's sync
    // does not wait behind them (docs/performance.md, "For ten minutes").
    o.bytes_per_sync = 1 << 20;
    o.strict_bytes_per_sync = true;
    o.allow_concurrent_memtable_write = false;  // there is one writer
    o.enable_write_thread_adaptive_yield = false;
    o.avoid_unnecessary_blocking_io = true;
    o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    o.keep_log_file_num = 4;
    o.max_log_file_size = 4 << 20;
    o.stats_dump_period_sec = 0;
    o.stats_persist_period_sec = 0;
    o.db_host_id.clear();  // tables name no machine
    return o;
}

rocksdb::ColumnFamilyOptions family_options(const RocksStoreOptions& ours,
                                            const std::shared_ptr<rocksdb::Cache>& cache, Family family) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // 10 bits a key: 1 % false
    table.whole_key_filtering = true;
    table.format_version = 5;
    if (family == Family::index) {
        table.block_size = 4 << 10;
        table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
    } else {
        table.block_size = 16 << 10;
    }

    rocksdb::ColumnFamilyOptions o;
    o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    o.write_buffer_size = ours.memtable_bytes;
    o.max_write_buffer_number = 4;
    // A batch comes in key order (rocks_store.cpp): among the keys of one prefix the place of the last one is
    // the hint for the next.
    constexpr std::size_t key_prefix_bytes = 1;  // key_layout.hpp
    o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(key_prefix_bytes));
    if (family == Family::index) {
        // Most lookups of the index miss ("is this a retry?"): the memtable answers them without a walk too.
        o.memtable_prefix_bloom_size_ratio = 0.05;
        o.memtable_whole_key_filtering = true;
    }
    o.level_compaction_dynamic_level_bytes = true;
    o.target_file_size_base = ours.memtable_bytes;
    o.max_bytes_for_level_base = 4 * ours.memtable_bytes;
    // Upper levels are rewritten soon: compressing them costs the core more than it saves the disk.
    using rocksdb::CompressionType;
    o.compression_per_level = {CompressionType::kNoCompression,  CompressionType::kNoCompression,
                               CompressionType::kLZ4Compression, CompressionType::kLZ4Compression,
                               CompressionType::kLZ4Compression, CompressionType::kLZ4Compression,
                               CompressionType::kLZ4Compression};
    return o;
}

/// The turn ring and the marker: a few MB, rewritten for ever.
rocksdb::ColumnFamilyOptions bookkeeping_options() {
    rocksdb::ColumnFamilyOptions o;
    o.write_buffer_size = 4 << 20;
    o.compression = rocksdb::CompressionType::kNoCompression;
    return o;
}

}  // namespace

tl::unexpected<StoreError> store_error(StoreError::Kind kind, std::string what) {
    return tl::unexpected(StoreError{kind, std::move(what)});
}

tl::unexpected<StoreError> store_error(const std::string& doing, const Status& status) {
    return tl::unexpected(StoreError{kind_of(status), doing + ": " + status.ToString()});
}

std::string database_path(const std::string& directory) { return directory + database_name; }
std::string acknowledged_path(const std::string& directory) { return directory + acknowledged_name; }

Status sync_directory(rocksdb::Env& env, const std::string& path) {
    std::unique_ptr<rocksdb::Directory> directory;
    Status status = env.NewDirectory(path, &directory);
    if (status.ok()) status = directory->Fsync();
    return status;
}

namespace {

struct Abandoned {
    std::unique_ptr<rocksdb::DB> db;
    std::array<rocksdb::ColumnFamilyHandle*, 3> handles;
};

void abandon(Abandoned database) {
    rocksdb::CancelAllBackgroundWork(database.db.get(), true);
    // Kept reachable, so that a leak checker can tell this from a leak.
    static std::mutex mutex;
    static std::vector<Abandoned>& abandoned = *new std::vector<Abandoned>;
    const std::lock_guard guard(mutex);
    abandoned.push_back(std::move(database));
}

}  // namespace

RocksDatabase::~RocksDatabase() {
    const std::array<rocksdb::ColumnFamilyHandle*, 3> handles = {families[0], families[1], bookkeeping};
    if (db && broken) {
        abandon({std::move(db), handles});
    } else if (db) {
        for (auto* owned : handles)
            if (owned != nullptr) db->DestroyColumnFamilyHandle(owned).PermitUncheckedError();
        db->Close().PermitUncheckedError();
    }
    db.reset();
    if (lock != nullptr) env->UnlockFile(lock).PermitUncheckedError();
}

Result<std::optional<std::string>, StoreError> RocksDatabase::get(const rocksdb::ReadOptions& options,
                                                                  Family family, std::string_view key) const {
    std::string value;
    const Status status = db->Get(options, handle(family), slice_of(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>{};
    if (!status.ok()) return store_error("reading a record", status);
    return std::optional(std::move(value));
}

Result<void, StoreError> RocksDatabase::scan(rocksdb::ReadOptions options, Family family,
                                             std::string_view from, std::string_view to,
                                             const ScanVisitor& visit) const {
    const Slice end = slice_of(to);
    if (!to.empty()) options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, handle(family)));
    for (it->Seek(slice_of(from)); it->Valid(); it->Next())
        if (!visit(view_of(it->key()), view_of(it->value()))) return {};
    if (!it->status().ok()) return store_error("scanning records", it->status());
    return {};
}

Result<void, StoreError> RocksDatabase::scan_back(rocksdb::ReadOptions options, Family family,
                                                  std::string_view from, std::string_view to,
                                                  const ScanVisitor& visit) const {
    const Slice begin = slice_of(from);
    const Slice end = slice_of(to);
    options.iterate_lower_bound = &begin;
    if (!to.empty()) options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, handle(family)));
    for (it->SeekToLast(); it->Valid(); it->Prev())
        if (!visit(view_of(it->key()), view_of(it->value()))) return {};
    if (!it->status().ok()) return store_error("scanning records backwards", it->status());
    return {};
}

Status RocksDatabase::add_turn_number(rocksdb::WriteBatch& writes, std::uint64_t turn_number) const {
    return writes.Put(bookkeeping, turn_key(turn_number), be64(turn_number));
}

Status RocksDatabase::put_copy_mark(rocksdb::WriteBatch& writes, const CopyMark& mark) const {
    return writes.Put(bookkeeping, copy_key,
                      be64(mark.epoch) + be64(mark.turn) + (mark.whole ? '1' : '0') + mark.ledger);
}

Result<std::optional<CopyMark>, StoreError> RocksDatabase::copy_mark() const {
    std::string value;
    const Status status = db->Get(rocksdb::ReadOptions(), bookkeeping, copy_key, &value);
    if (status.IsNotFound()) return std::optional<CopyMark>{};
    if (!status.ok()) return store_error("reading the copy's mark", status);
    constexpr std::size_t number_bytes = sizeof(std::uint64_t);
    if (value.size() <= 2 * number_bytes)
        return store_error(StoreError::Kind::corruption, "the copy's mark has a wrong size");
    const std::string_view bytes = value;
    return CopyMark{value.substr(2 * number_bytes + 1), parse_be(bytes.substr(0, number_bytes)),
                    parse_be(bytes.substr(number_bytes, number_bytes)), bytes[2 * number_bytes] == '1'};
}

namespace {

std::vector<rocksdb::ColumnFamilyDescriptor> descriptors(const RocksStoreOptions& options) {
    const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes, 4);
    return {{rocksdb::kDefaultColumnFamilyName, bookkeeping_options()},
            {journal_name, family_options(options, cache, Family::journal)},
            {index_name, family_options(options, cache, Family::index)}};
}

/// Removes what a creation that was cut short left behind.
Status remove_unfinished(rocksdb::Env& env, const std::string& path) {
    if (env.FileExists(path).IsNotFound()) return Status::OK();
    std::vector<std::string> names;
    Status status = env.GetChildren(path, &names);
    const std::string folder = path + "/";
    for (const std::string& name : names)
        if (status.ok() && name != "." && name != "..") status = env.DeleteFile(folder + name);
    if (status.ok()) status = env.DeleteDir(path);
    return status;
}

/// An empty database with its marker, made beside and renamed, so that a half-made one is never taken for
/// ours.
Result<void, StoreError> create_database(const RocksStoreOptions& options, rocksdb::Env& env) {
    const std::string creating = options.directory + creating_name;
    if (Status s = remove_unfinished(env, creating); !s.ok()) return store_error("removing " + creating, s);
    rocksdb::DBOptions db_options = database_options(options, env);
    db_options.create_if_missing = true;
    db_options.error_if_exists = true;
    db_options.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    Status status = rocksdb::DB::Open(db_options, creating, descriptors(options), &handles, &raw);
    if (!status.ok()) return store_error("creating the store in " + options.directory, status);
    const std::unique_ptr<rocksdb::DB> db(raw);
    rocksdb::WriteOptions durable;
    durable.sync = true;
    status = db->Put(durable, marker_key, std::to_string(RocksStore::format_version));
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    if (status.ok()) status = db->Close();
    if (status.ok()) status = env.RenameFile(creating, options.directory + database_name);
    if (status.ok()) status = sync_directory(env, options.directory);
    if (!status.ok()) return store_error("creating the store in " + options.directory, status);
    return {};
}

/// Only names of ours may lie in a directory that has no database yet.
Result<void, StoreError> check_new_directory(const RocksStoreOptions& options, rocksdb::Env& env) {
    std::vector<std::string> names;
    if (Status s = env.GetChildren(options.directory, &names); !s.ok())
        return store_error("reading directory " + options.directory, s);
    for (const std::string& name : names) {
        const std::string path = "/" + name;
        if (name == "." || name == ".." || path == lock_name || path == acknowledged_name ||
            path == creating_name)
            continue;
        if (path == database_name)
            return store_error(StoreError::Kind::corruption,
                               "the store in " + options.directory + " is damaged: rocks/CURRENT is missing");
        return store_error(StoreError::Kind::version,
                           "directory " + options.directory + " holds other files (\"" + name +
                               "\"): it is not a ledger's, and none is made there");
    }
    if (!options.create_if_missing)
        return store_error(StoreError::Kind::io, "there is no store in " + options.directory);
    return {};
}

Result<void, StoreError> check_families(const RocksStoreOptions& options, rocksdb::Env& env) {
    std::vector<std::string> names;
    const Status status = rocksdb::DB::ListColumnFamilies(database_options(options, env),
                                                          options.directory + database_name, &names);
    if (!status.ok()) return store_error("opening the store in " + options.directory, status);
    std::sort(names.begin(), names.end());
    if (names != std::vector<std::string>{rocksdb::kDefaultColumnFamilyName, index_name, journal_name})
        return store_error(StoreError::Kind::version, "the database in " + options.directory +
                                                          " is not a ledger's: it has other column families");
    return {};
}

/// RocksDB ends the process by an assertion when a write fails in the midst of its opening: so there must be
/// room for what it writes then, tables of what lies in its log above all.
Result<void, StoreError> check_room(const RocksStoreOptions& options, rocksdb::Env& env) {
    constexpr std::uint64_t room_bytes_min = 4ULL << 20;
    constexpr std::string_view log_ending = ".log";
    std::uint64_t free_bytes = 0;
    if (!env.GetFreeSpace(options.directory, &free_bytes).ok()) return {};  // nobody knows
    std::uint64_t needed = room_bytes_min;
    std::vector<std::string> names;
    const std::string path = options.directory + database_name;
    if (env.GetChildren(path, &names).ok())
        for (const std::string& name : names) {
            if (!std::string_view(name).ends_with(log_ending)) continue;
            std::string file = path;
            file += '/';
            file += name;
            std::uint64_t bytes = 0;
            if (env.GetFileSize(file, &bytes).ok()) needed += bytes;
        }
    if (free_bytes >= needed) return {};
    return store_error(StoreError::Kind::io, "the disk of " + options.directory +
                                                 " is full: " + std::to_string(free_bytes >> 10) +
                                                 " KiB are free, " + std::to_string(needed >> 10) +
                                                 " KiB are needed to open the store: make room");
}

Result<void, StoreError> check_marker(const RocksDatabase& database, const std::string& directory) {
    std::string marker;
    const Status status = database.db->Get(rocksdb::ReadOptions(), database.bookkeeping, marker_key, &marker);
    if (status.IsNotFound())
        return store_error(StoreError::Kind::version,
                           "the database in " + directory + " is not a ledger's: it has no format marker");
    if (!status.ok()) return store_error("reading the format marker", status);
    if (marker != std::to_string(RocksStore::format_version))
        return store_error(StoreError::Kind::version, "the store in " + directory + " has format " + marker +
                                                          ", this program knows format " +
                                                          std::to_string(RocksStore::format_version) +
                                                          " only");
    return {};
}

}  // namespace

Result<std::uint64_t, StoreError> check_turns(const RocksDatabase& database) {
    std::vector<std::uint64_t> slots(RocksStore::turn_ring_slots, 0);
    const std::unique_ptr<rocksdb::Iterator> it(
        database.db->NewIterator(rocksdb::ReadOptions(), database.bookkeeping));
    std::uint64_t last = 0;
    for (it->Seek(Slice(&turn_key_prefix, 1)); it->Valid() && it->key()[0] == turn_key_prefix; it->Next()) {
        if (it->key().size() != turn_key_bytes || it->value().size() != sizeof(std::uint64_t))
            return store_error(StoreError::Kind::corruption, "the turn ring holds an entry of a wrong size");
        const std::uint64_t turn = parse_be(view_of(it->value()));
        slots[parse_be(view_of(it->key()).substr(1))] = turn;
        last = std::max(last, turn);
    }
    if (!it->status().ok()) return store_error("reading the turn ring", it->status());
    const std::uint64_t remembered = std::min<std::uint64_t>(last, RocksStore::turn_ring_slots);
    for (std::uint64_t turn = last - remembered + 1; turn <= last; ++turn)
        if (slots[turn % RocksStore::turn_ring_slots] != turn)
            return store_error(StoreError::Kind::corruption,
                               "turn " + std::to_string(turn) + " is missing although turn " +
                                   std::to_string(last) + " is there: a part of the log was lost");
    return last;
}

namespace {

Result<std::shared_ptr<RocksDatabase>, StoreError> open_to_read(const RocksStoreOptions& options,
                                                                rocksdb::Env& env) {
    if (auto checked = check_families(options, env); !checked) return tl::unexpected(checked.error());
    auto database = std::make_shared<RocksDatabase>();
    database->env = &env;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    const Status status =
        rocksdb::DB::OpenForReadOnly(database_options(options, env), database_path(options.directory),
                                     descriptors(options), &handles, &raw);
    if (!status.ok()) return store_error("opening the store in " + options.directory, status);
    database->db.reset(raw);
    database->bookkeeping = handles[0];
    database->families = {handles[1], handles[2]};
    if (auto checked = check_marker(*database, options.directory); !checked)
        return tl::unexpected(checked.error());
    return database;
}

}  // namespace

Result<std::shared_ptr<RocksDatabase>, StoreError> open_rocks_database(const RocksStoreOptions& options,
                                                                       rocksdb::Env& env) {
    const std::string path = database_path(options.directory);
    if (options.read_only) return open_to_read(options, env);
    if (Status s = env.CreateDirIfMissing(options.directory); !s.ok())
        return store_error("creating directory " + options.directory, s);
    const bool is_new = env.FileExists(path + "/CURRENT").IsNotFound();
    if (is_new)
        if (auto checked = check_new_directory(options, env); !checked)
            return tl::unexpected(checked.error());

    auto database = std::make_shared<RocksDatabase>();
    database->env = &env;
    if (Status s = env.LockFile(options.directory + lock_name, &database->lock); !s.ok())
        return store_error(StoreError::Kind::locked,
                           "the store in " + options.directory +
                               " is in use by another process or cannot be locked (" + s.ToString() + ")");
    if (auto room = check_room(options, env); !room) return tl::unexpected(room.error());
    if (is_new)
        if (auto created = create_database(options, env); !created) return tl::unexpected(created.error());
    if (auto checked = check_families(options, env); !checked) return tl::unexpected(checked.error());

    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    const Status status =
        rocksdb::DB::Open(database_options(options, env), path, descriptors(options), &handles, &raw);
    if (!status.ok()) return store_error("opening the store in " + options.directory, status);
    database->db.reset(raw);
    database->bookkeeping = handles[0];
    database->families = {handles[1], handles[2]};
    if (auto checked = check_marker(*database, options.directory); !checked)
        return tl::unexpected(checked.error());
    return database;
}

}  // namespace ledger
