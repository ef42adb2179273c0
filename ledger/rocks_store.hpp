// RocksStore: the store port over RocksDB. One committer thread inside applies and syncs a batch at a time; a
// second thread watches the disk. The tables under it are rocks_tables.hpp.
//
// Directory: docs/ledger_format.md, "Files in the data directory". One process at a time (LOCK).
// Owner: the shell; it must have finished its last sync before it destroys the store. Snapshots may outlive
// it. Errors: a failed write or sync sticks, every later begin_sync ends with the same error (rule R62).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ledger/store.hpp"

namespace rocksdb {
class Env;
}

namespace ledger {

struct RocksStoreOptions {
    std::string directory;
    /// The second place of the last acknowledged turn (acknowledged_places.hpp); empty: there is none.
    std::string acknowledged_copy;
    std::uint32_t acknowledged_copy_ms = 100;
    /// A store that lies behind what was acknowledged is opened all the same, and lost() says what is amiss.
    bool take_as_is = false;
    bool create_if_missing = true;
    /// For whoever only looks: nothing is written or locked, no sync can be begun. What lies in the log is
    /// read into memory.
    bool read_only = false;
    std::uint64_t block_cache_bytes = 256ULL << 20;
    std::uint64_t memtable_bytes = 64ULL << 20;  // of each family; up to 4 of them before writes stall
    std::uint64_t wal_bytes_max = 512ULL
                                  << 20;  // more than this is flushed: it bounds the time of a recovery
    std::uint64_t disk_free_bytes_min = 1ULL << 30;  // below it health() refuses new work
    int open_files_max = 512;
    std::uint32_t health_poll_ms = 250;
};

/// Where the store in `directory` keeps its last acknowledged turn.
std::string acknowledged_path(const std::string& directory);

class RocksTables;

class RocksStore final : public Store {
  public:
    /// Format of keys and values as a whole; in the store as the marker key.
    static constexpr std::uint32_t format_version = 1;
    /// Recovery can name a gap among this many last turns.
    static constexpr std::uint32_t turn_ring_slots = 65'536;

    /// Recovers, checks the marker, the turn numbers and both places of the acknowledged turn. Kinds:
    /// `locked` when another process has it open, `version` when it is no store of ours or a newer one,
    /// `corruption` when something is lost.
    static iso8583::Result<std::unique_ptr<RocksStore>, StoreError> open(const RocksStoreOptions& options);
    /// Over another file system: for tests that break it. `env` must outlive the store and its snapshots.
    static iso8583::Result<std::unique_ptr<RocksStore>, StoreError> open_on(const RocksStoreOptions& options,
                                                                            rocksdb::Env& env);
    ~RocksStore() override;

    // Store
    [[nodiscard]] iso8583::Result<std::optional<std::string>, StoreError> get(
        Family family, std::string_view key) const override;
    iso8583::Result<void, StoreError> scan(Family family, std::string_view from, std::string_view to,
                                           const ScanVisitor& visit) const override;
    iso8583::Result<void, StoreError> scan_back(Family family, std::string_view from, std::string_view to,
                                                const ScanVisitor& visit) const override;
    void begin_sync(Batch batch, std::function<void()> done) override;
    iso8583::Result<void, StoreError> finish_sync() override;
    [[nodiscard]] std::shared_ptr<const StoreReader> snapshot() const override;
    [[nodiscard]] std::uint64_t last_turn_number() const override;
    [[nodiscard]] StoreHealth health() const override;

    /// With take_as_is: what is amiss; empty: nothing is.
    [[nodiscard]] const std::string& lost() const;
    /// The store counts as one restored from this backup from now on. Before the first sync.
    iso8583::Result<void, StoreError> comes_from(const std::string& backup);

    /// Looks at the disk now instead of at the next poll. Any thread.
    void refresh_health();
    /// Where it lies.
    [[nodiscard]] const std::string& directory() const;
    /// A store of its own in `directory`, which must not exist, with what is durable now; hard links where
    /// possible. Flushes. Any thread.
    iso8583::Result<void, StoreError> checkpoint(const std::string& directory) const;
    /// Reads every stored block and compares its checksum. Slow; any thread.
    [[nodiscard]] iso8583::Result<void, StoreError> verify_checksums() const;

  private:
    struct Impl;
    explicit RocksStore(std::unique_ptr<Impl> impl);
    static iso8583::Result<std::unique_ptr<RocksStore>, StoreError> over(
        iso8583::Result<std::unique_ptr<RocksTables>, StoreError> tables);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ledger
