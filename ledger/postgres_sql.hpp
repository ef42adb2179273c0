// The statements that store, copy and command line share, and the bytes of the log of keys. Only for
// ledger/postgres_*.cpp. docs/ledger_format.md, "On PostgreSQL": do not change.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/postgres_cluster.hpp"
#include "ledger/postgres_connection.hpp"
#include "ledger/store.hpp"

namespace ledger {

struct Replication {
    std::string synchronous_commit, synchronous_standby_names;
};

iso8583::Result<std::string, StoreError> read_ledger_identity(PostgresConnection& connection,
                                                              std::uint32_t limit_ms);
iso8583::Result<Replication, StoreError> read_replication(PostgresConnection& connection,
                                                          std::uint32_t limit_ms);
/// That what this server acknowledges lies on another one too, or that nobody minds.
iso8583::Result<void, StoreError> check_replication(PostgresConnection& connection,
                                                    const PostgresOptions& options);
/// A commit that writes nothing of ours: when it ends well, everything written before it is where it is.
inline constexpr const char* marker_sql = "select pg_logical_emit_message(true, 'turn', ''::text)";
StoreError fenced_error(const PostgresOptions& options);
StoreError refused_error(std::uint64_t turn, const PostgresError& why);
/// All, or the one.
iso8583::Result<std::vector<ShardRow>, StoreError> read_shards(PostgresConnection& connection,
                                                               std::optional<std::uint32_t> only,
                                                               std::uint32_t limit_ms);

/// One fenced statement that writes a turn: 1 when it did, 0 when the epoch or the turn is not ours.
std::string commit_sql(std::uint32_t shard);
/// Its parameters. Of several mutations of one key the last counts. `is_new`: certainly no row has that key;
/// where one has it the statement fails (unique_violation) and writes nothing.
PostgresParams commit_params(const Batch& batch, std::uint64_t epoch, const PostgresOptions& options,
                             const std::function<bool(const Key&)>& is_new);
inline constexpr std::string_view unique_violation = "23505";

/// The keys that a turn wrote: for each its family as a byte, its length as 4, its bytes.
std::string keys_record(const std::vector<const Key*>& keys);
/// Nothing: it is damaged.
std::optional<std::vector<Key>> parse_keys_record(std::string_view bytes);

}  // namespace ledger
