// RocksTables: journal and index in RocksDB, without a promise of when a write is durable: apply a batch,
// read, take a snapshot. RocksStore makes a durable store of them with a committer of its own.
//
// Directory: docs/ledger_format.md, "Files in the data directory". One process at a time (LOCK). Thread:
// reads, look, checkpoint and verify on any; apply on one at a time. Snapshots may outlive it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledger/rocks_store.hpp"
#include "ledger/store.hpp"

namespace rocksdb {
class WriteBatch;
}

namespace ledger {

struct RocksDatabase;

/// What a copy holds of a ledger whose truth is elsewhere.
struct CopyMark {
    std::string ledger;       // which one: its identity since its birth
    std::uint64_t epoch = 0;  // of the owner that wrote `turn`
    std::uint64_t turn = 0;   // everything up to it is here
    bool whole = false;       // false: filling it was cut short, and what is here is of no use
    friend bool operator==(const CopyMark&, const CopyMark&) = default;
};

class RocksTables final : public StoreReader {
  public:
    /// Recovers, checks the marker and that no turn is missing among those the ring remembers. Kinds as
    /// RocksStore::open.
    static iso8583::Result<std::unique_ptr<RocksTables>, StoreError> open(const RocksStoreOptions& options);
    /// Over another file system, which must outlive the tables and their snapshots.
    static iso8583::Result<std::unique_ptr<RocksTables>, StoreError> open_on(const RocksStoreOptions& options,
                                                                             rocksdb::Env& env);
    /// For a copy of a ledger elsewhere: it has a mark and no turns of its own. `version` when a ledger of
    /// its own lies there.
    static iso8583::Result<std::unique_ptr<RocksTables>, StoreError> open_copy(
        const RocksStoreOptions& options);
    ~RocksTables() override;
    RocksTables(const RocksTables&) = delete;
    RocksTables& operator=(const RocksTables&) = delete;

    // StoreReader: what has been applied.
    [[nodiscard]] iso8583::Result<std::optional<std::string>, StoreError> get(
        Family family, std::string_view key) const override;
    iso8583::Result<void, StoreError> scan(Family family, std::string_view from, std::string_view to,
                                           const ScanVisitor& visit) const override;
    iso8583::Result<void, StoreError> scan_back(Family family, std::string_view from, std::string_view to,
                                                const ScanVisitor& visit) const override;
    [[nodiscard]] std::shared_ptr<const StoreReader> snapshot() const;

    /// `later`: a killed process keeps it, a power cut may lose it and all that came after it.
    enum class Sync : std::uint8_t { now, later };
    /// All of the batch and its turn's number, or nothing. After a failure the tables are given up.
    iso8583::Result<void, StoreError> apply(const Batch& batch, Sync sync);
    /// Of a copy: the mutations and the mark in one write, not synced.
    iso8583::Result<void, StoreError> apply_copied(const Mutations& mutations, const CopyMark& mark);
    /// Of a copy; nothing: it is new.
    [[nodiscard]] iso8583::Result<std::optional<CopyMark>, StoreError> copy_mark() const;
    /// The destructor does not close the database any more, because a write failed (rocks_database.hpp).
    void give_up();

    /// The last turn at opening.
    [[nodiscard]] std::uint64_t found_turn() const { return found_turn_; }
    [[nodiscard]] const RocksStoreOptions& options() const { return options_; }
    /// Looks at the disk and at what RocksDB says of itself.
    [[nodiscard]] StoreHealth look() const;
    /// Its files were taken away, or others put in their place, since it was opened; nothing: they are there.
    [[nodiscard]] std::optional<StoreError> is_gone() const;
    /// As RocksStore::checkpoint.
    iso8583::Result<void, StoreError> checkpoint(const std::string& directory) const;
    [[nodiscard]] iso8583::Result<void, StoreError> verify_checksums() const;

  private:
    RocksTables(const RocksStoreOptions& options, std::shared_ptr<RocksDatabase> database,
                std::uint64_t found_turn);
    iso8583::Result<void, StoreError> write(rocksdb::WriteBatch& writes, const Mutations& mutations,
                                            Sync sync, std::uint64_t turn);
    [[nodiscard]] std::uint64_t wal_bytes() const;

    const RocksStoreOptions options_;
    const std::shared_ptr<RocksDatabase> database_;
    const std::uint64_t found_turn_;
    const std::optional<std::pair<std::uint64_t, std::uint64_t>> place_;  // device and inode of its directory
};

}  // namespace ledger
