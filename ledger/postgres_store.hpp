// PostgresStore: the store port over tables of PostgreSQL with synchronous standbys, for a switch on several
// machines. The truth is there; reads go to a copy on this machine (postgres_copy.hpp), which gets each turn
// once it is acknowledged. A turn is one statement that is fenced by the owner's epoch and the number of the
// turn before; one whose end is not known is decided by these two after connecting again
// (postgres_committer.hpp).
//
// Threads of its own inside. Owner: the shell; it must have finished its last sync before it destroys the
// store, which lets the lease go. Snapshots may outlive it. Errors: docs/cluster.md; those of finish_sync are
// final (rule R62): `fenced` when another process owns the shard now, `corruption` when PostgreSQL lost
// acknowledged work. What is not decided is asked for until it is, and health() refuses new work meanwhile.
// Source: docs/decisions/0038.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ledger/number_plan.hpp"
#include "ledger/postgres_options.hpp"
#include "ledger/rocks_store.hpp"
#include "ledger/store.hpp"

namespace ledger {

/// What this owner says of itself to whoever reads the shard's row.
struct ShardOwner {
    std::string address;      // where its /role is; may be empty
    std::string config_hash;  // of the file it runs by
    /// How long each turn took, from handed over to acknowledged. On the committer thread; may be empty.
    std::function<void(std::int64_t us)> on_commit = {};
};

class PostgresStore final : public Store {
  public:
    /// Connects, brings the copy in `copy.directory` up to date, takes the shard and starts. Kinds: `locked`
    /// when another owner's lease runs, `version` when the tables or the copy are not what they should be,
    /// `corruption` when PostgreSQL has less than the copy, `io` for what another try may mend.
    static iso8583::Result<std::unique_ptr<PostgresStore>, StoreError> open(const PostgresOptions& options,
                                                                            const RocksStoreOptions& copy,
                                                                            const ShardOwner& owner);
    ~PostgresStore() override;

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
    [[nodiscard]] bool may_answer() const override;
    [[nodiscard]] std::size_t syncs_in_flight_max() const override;

    /// The configuration was read again: what standbys compare with is the new one's hash, soon. Any thread.
    void runs_by(const std::string& config_hash);
    /// A node that stands by and shall have the shard: whoever serves ends in order. Empty: none. Any thread.
    [[nodiscard]] std::string wanted_by() const;
    /// The shard's own part of the numbers.
    [[nodiscard]] const NumberPlan& numbers() const;
    [[nodiscard]] std::uint64_t epoch() const;
    /// How often this opening filled the copy from the beginning.
    [[nodiscard]] std::uint64_t copy_seeds() const;

  private:
    struct Impl;
    explicit PostgresStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ledger
