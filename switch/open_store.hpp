// The ledger's store as [store] chooses it: RocksDB in the data directory, or PostgreSQL with a copy there.
// And what goes with it: the vault's key, the shard's numbers.
//
// Thread: start-up's. Errors: a sentence, for people.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "iso8583/values/random_source.hpp"
#include "ledger/backup_manifest.hpp"
#include "ledger/number_plan.hpp"
#include "ledger/pan_vault.hpp"
#include "ledger/postgres_options.hpp"
#include "ledger/postgres_store.hpp"
#include "ledger/rocks_store.hpp"
#include "ledger/vault_key_file.hpp"
#include "switch/config/config.hpp"
#include "switch/io/metrics.hpp"

namespace acquirer {

/// accept_loss: to serve, though the store lies behind what was acknowledged.
enum class StoreUse : std::uint8_t { serve, look, accept_loss };

/// Counted by the committer, read by the shell.
class CommitTimes {
  public:
    void add_us(std::int64_t us) {
        const std::lock_guard lock(mutex_);
        times_.add_us(us);
    }
    [[nodiscard]] DurationHistogram times() const {
        const std::lock_guard lock(mutex_);
        return times_;
    }

  private:
    mutable std::mutex mutex_;
    DurationHistogram times_;
};

struct OpenedStore {
    std::shared_ptr<CommitTimes> commits = std::make_shared<CommitTimes>();
    std::unique_ptr<ledger::Store> store;
    ledger::RocksStore* rocks = nullptr;        // the same, where backups can be made of it
    ledger::PostgresStore* postgres = nullptr;  // the same, where standbys compare configurations
    ledger::NumberPlan numbers;
    std::uint64_t epoch = 0;  // of this owner, on PostgreSQL
    /// For the shell; empty where the store is on this machine. It must not outlive the store.
    [[nodiscard]] std::function<ClusterFigures()> cluster_figures() const;
};

/// Name in the data directory of the store, or of the copy of one that lies elsewhere.
std::string store_directory(const LoadedConfig& config, const std::string& data);
ledger::RocksStoreOptions rocks_options_of(const LoadedConfig& config, const std::string& data);
/// Reads the password's file.
iso8583::Result<ledger::PostgresOptions> postgres_options_of(const StoreOptions& store);

/// With PostgreSQL only to serve: takes the shard.
iso8583::Result<OpenedStore, ledger::StoreError> open_store(const LoadedConfig& config,
                                                            const std::string& data, StoreUse use);
/// What --as-restored decides: a ledger that lost its end becomes one that was restored from a backup made
/// `now` (R65): its mark, durable before anything is written.
iso8583::Result<ledger::BackupMark> count_as_restored(OpenedStore& opened, const std::string& data,
                                                      iso8583::UtcTime now);
/// The ledger has been started on since it was restored from that backup.
bool has_worked_on(const ledger::StoreReader& store, const ledger::BackupMark& mark);

}  // namespace acquirer
