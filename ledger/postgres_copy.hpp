// PostgresCopy: what a switch keeps of its shard on its own disk, so that it reads without asking anybody. It
// is disposable: whoever removes it has it filled again. It is never ahead of PostgreSQL; one that is says
// that acknowledged work was lost there.
//
//     follow: one snapshot of the server: its last turn, the keys of the turns that are missing here, their
//             values; then a commit of its own, behind which all that was read is durable
//     apply:  a turn of our own, once it is acknowledged
//
// Owner and thread: one at a time, but reads of tables() on any.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_options.hpp"
#include "ledger/rocks_tables.hpp"

namespace ledger {

class PostgresCopy {
  public:
    /// What lies in `copy.directory`, or an empty one.
    static iso8583::Result<std::unique_ptr<PostgresCopy>, StoreError> open(const RocksStoreOptions& copy,
                                                                           const PostgresOptions& options);

    /// Up to the shard's last turn as of now; filled anew where the log of keys does not reach back to it.
    /// Kind `io`: ask again; `corruption`: the copy has turns that PostgreSQL lost; all others are final too.
    iso8583::Result<void, StoreError> follow(PostgresConnection& connection);
    iso8583::Result<void, StoreError> apply(const Batch& batch, std::uint64_t epoch);

    [[nodiscard]] const CopyMark& mark() const { return mark_; }
    [[nodiscard]] RocksTables& tables() const { return *tables_; }
    /// How often it was filled from the beginning.
    [[nodiscard]] std::uint64_t seeds() const { return seeds_; }

  private:
    PostgresCopy(const RocksStoreOptions& copy, const PostgresOptions& options)
        : copy_options_(copy), options_(options) {}
    iso8583::Result<void, StoreError> reopen();
    /// What was read and is not here yet.
    struct Read {
        Mutations mutations;
        CopyMark mark;
    };
    using MaybeRead = iso8583::Result<std::optional<Read>, StoreError>;
    /// Nothing: nothing is missing.
    MaybeRead follow_in_snapshot(PostgresConnection& connection);
    /// The rows go into the tables as they come; they count when the mark says that they are whole.
    MaybeRead seed(PostgresConnection& connection, const CopyMark& to);
    iso8583::Result<void, StoreError> seed_family(PostgresConnection& connection, Family family,
                                                  const CopyMark& filling);
    /// Nothing: the log does not reach back to what is here.
    MaybeRead tail(PostgresConnection& connection, std::uint64_t to_turn);

    const RocksStoreOptions copy_options_;
    const PostgresOptions options_;
    std::unique_ptr<RocksTables> tables_;
    CopyMark mark_;
    std::uint64_t seeds_ = 0;
};

}  // namespace ledger
