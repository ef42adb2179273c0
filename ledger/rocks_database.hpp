// The open RocksDB database under RocksStore: directory, options, families, recovery checks, reads. Only for
// rocks_tables.cpp and rocks_database.cpp, the two files that see RocksDB.
//
// Names and bytes on disk: docs/ledger_format.md. Do not change. Thread: reads on any.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/rocks_store.hpp"
#include "ledger/rocks_tables.hpp"

namespace ledger {

inline rocksdb::Slice slice_of(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view_of(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

/// "doing: what RocksDB says", with the kind it implies.
tl::unexpected<StoreError> store_error(const std::string& doing, const rocksdb::Status& status);
tl::unexpected<StoreError> store_error(StoreError::Kind kind, std::string what);

/// Of the store in `directory`.
std::string database_path(const std::string& directory);
rocksdb::Status sync_directory(rocksdb::Env& env, const std::string& path);

struct RocksDatabase {
    rocksdb::Env* env = nullptr;
    rocksdb::FileLock* lock = nullptr;
    std::unique_ptr<rocksdb::DB> db;
    std::array<rocksdb::ColumnFamilyHandle*, 2> families{};  // by Family
    rocksdb::ColumnFamilyHandle* bookkeeping = nullptr;
    /// Set after a failed write: the destructor then ends the background work and gives the database up
    /// without closing it. RocksDB 7.8 loses count of its column families when a log cannot be begun while
    /// two of them wait for their flush, and a build with assertions aborts in its destructor; the process
    /// must end with its own message and status instead. What was synced is on the disk either way.
    std::atomic<bool> broken = false;

    RocksDatabase() = default;
    RocksDatabase(const RocksDatabase&) = delete;
    RocksDatabase& operator=(const RocksDatabase&) = delete;
    ~RocksDatabase();
    [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
        return families[static_cast<std::size_t>(family)];
    }
    [[nodiscard]] iso8583::Result<std::optional<std::string>, StoreError> get(
        const rocksdb::ReadOptions& options, Family family, std::string_view key) const;
    iso8583::Result<void, StoreError> scan(rocksdb::ReadOptions options, Family family, std::string_view from,
                                           std::string_view to, const ScanVisitor& visit) const;
    iso8583::Result<void, StoreError> scan_back(rocksdb::ReadOptions options, Family family,
                                                std::string_view from, std::string_view to,
                                                const ScanVisitor& visit) const;
    /// Adds the turn's number, so that recovery can notice a gap.
    rocksdb::Status add_turn_number(rocksdb::WriteBatch& writes, std::uint64_t turn_number) const;
    rocksdb::Status put_copy_mark(rocksdb::WriteBatch& writes, const CopyMark& mark) const;
    [[nodiscard]] iso8583::Result<std::optional<CopyMark>, StoreError> copy_mark() const;
};

/// Locks, creates if there is none, recovers, and checks that it is ours.
iso8583::Result<std::shared_ptr<RocksDatabase>, StoreError> open_rocks_database(
    const RocksStoreOptions& options, rocksdb::Env& env);
/// The last turn, after checking that none of the turns the ring remembers is missing.
iso8583::Result<std::uint64_t, StoreError> check_turns(const RocksDatabase& database);

}  // namespace ledger
