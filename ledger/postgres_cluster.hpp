// The tables of a cluster on PostgreSQL and what lies in them beside the ledger: shards and their owners,
// sealed secrets. docs/cluster.md, "Tables". Thread: one at a time; blocks until answered or its time is up.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iso8583/values/result.hpp"
#include "ledger/postgres_options.hpp"
#include "ledger/store.hpp"

namespace ledger {

class PostgresConnection;
class PostgresInterrupt;

/// Of the tables; in cluster.meta.
inline constexpr std::int32_t cluster_schema_version = 2;
/// Of one cluster.
inline constexpr std::uint32_t cluster_shards_max = 256;

/// A row of cluster.shard, and the server's clock when it was read.
struct ShardRow {
    std::uint32_t id = 0;
    std::string code;  // its part of the RRNs
    std::uint64_t epoch = 0;
    std::uint64_t turn = 0;
    std::string owner, address;  // empty: none yet
    std::int64_t lease_left_ms = 0;
    std::uint32_t stan_from = 0, stan_to = 0;
    std::string config_hash;
    std::string move_to;            // node that the shard is to go to; empty: it stays
    std::int64_t move_left_ms = 0;  // while others leave it to that node
    bool move_ready = false;        // that node follows, and waits for it
};

struct ClusterStatus {
    std::string ledger;  // identity since `cluster init`
    std::string host;
    std::string synchronous_standby_names;
    std::vector<ShardRow> shards;
};

/// Name of the schema that has the tables of a shard: "shard_00".
std::string shard_schema(std::uint32_t shard);

/// Creates the tables for `shards` shards as `owner` (the options' user when empty) in an empty database, and
/// lets the options' user work on them. An error of kind `version` when there are tables already.
iso8583::Result<void, StoreError> create_cluster(const PostgresOptions& options, const std::string& owner,
                                                 const std::string& owner_password, std::uint32_t shards);
/// Tables of an older version are brought to this program's. False: they are of it.
iso8583::Result<bool, StoreError> upgrade_cluster(const PostgresOptions& options, const std::string& owner,
                                                  const std::string& owner_password);
iso8583::Result<ClusterStatus, StoreError> read_cluster(const PostgresOptions& options);

/// How a shard went to another node.
struct Moved {
    std::string from;
    std::uint64_t epoch = 0;  // of the new owner
    std::int64_t ms = 0;      // from the wish to the new owner's taking
};
/// The shard's owner ends in order as soon as node `to` stands by, and that node takes the shard. Blocks up
/// to `wait_seconds`. The error says who owns it then; where `to` does not stand by nothing is changed.
iso8583::Result<Moved, StoreError> move_shard(const PostgresOptions& options, const std::string& to,
                                              std::uint32_t wait_seconds);

/// The secret of that name, sealed as it was stored; nothing when there is none.
iso8583::Result<std::optional<std::string>, StoreError> read_secret(const PostgresOptions& options,
                                                                    const std::string& name);
/// Stores it when there is none of that name, and returns what is stored then.
iso8583::Result<std::string, StoreError> keep_secret(const PostgresOptions& options, const std::string& name,
                                                     const std::string& sealed);
/// The vault's keys as the shard has them: its own row, or, before its first start, the cluster's. Nothing
/// where there is neither.
iso8583::Result<std::optional<std::string>, StoreError> read_vault_secret(const PostgresOptions& options);
/// Name of the shard's own row: "vault.key.00".
std::string vault_secret_name(std::uint32_t shard);
/// Puts `sealed` in the place of `before` in the shard's own row, if the shard is still owned under `epoch`.
/// The cluster's row goes once every shard has its own.
iso8583::Result<void, StoreError> replace_vault_secret(const PostgresOptions& options, std::uint64_t epoch,
                                                       const std::string& before, const std::string& sealed);

}  // namespace ledger
