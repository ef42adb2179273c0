// PostgresStandby: follows a shard that another node owns, with a copy on this machine, and says when it may
// be taken over: the owner's lease has run out by the database's clock, or it was let go. Taking it is
// PostgresStore::open, which the epoch makes safe whatever is believed here.
//
// One thread inside. Owner: the process's start; it is destroyed before the store is opened, because the copy
// is one process's. Errors: `may_end` is told once of what no waiting mends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ledger/postgres_options.hpp"
#include "ledger/rocks_store.hpp"

namespace ledger {

struct StandbyStatus {
    std::string owner, address;  // of the active node; empty: nobody yet
    std::uint64_t epoch = 0;
    std::uint64_t turn = 0;       // of the shard, when it was last looked at
    std::uint64_t copy_turn = 0;  // of the copy here
    /// Why it would not take over now, or cannot see; empty: it would.
    std::string trouble;
};

class PostgresStandby {
  public:
    /// How it ended: nothing: the shard may be taken.
    using MayEnd = std::function<void(std::optional<StoreError> why)>;

    /// `config_hash` has to be the owner's for a takeover. `may_end` comes once, on the thread inside.
    static iso8583::Result<std::unique_ptr<PostgresStandby>, StoreError> begin(const PostgresOptions& options,
                                                                               const RocksStoreOptions& copy,
                                                                               const std::string& config_hash,
                                                                               MayEnd may_end);
    ~PostgresStandby();
    /// Any thread.
    [[nodiscard]] StandbyStatus status() const;

  private:
    struct Impl;
    explicit PostgresStandby(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ledger
