// `refund-switch cluster …`: the tables of a cluster on PostgreSQL, by the hosts and database of
// [store.postgres]. Prints to standard output; errors as a sentence on standard error. Returns the exit code.
#pragma once

#include <cstdint>
#include <string>

#include "switch/config/config.hpp"

namespace acquirer {

struct ClusterInit {
    std::string owner;  // role that makes the tables; empty: the configuration's own
    std::string owner_password_file;
    std::uint32_t shards = 1;
};

struct ClusterMove {
    std::string to;  // node
    std::uint32_t wait_seconds = 120;
};

int cluster_init(const LoadedConfig& config, const ClusterInit& wanted);
int cluster_status(const LoadedConfig& config);
/// Moves the ledger of `data`, a data directory of one machine whose switch does not run, into a new shard.
int cluster_import(const LoadedConfig& config, const std::string& data);
/// Lets the shard go to another node, which stands by.
int cluster_move(const LoadedConfig& config, const ClusterMove& wanted);
/// Moves a shard, whose switches do not run, out into `data`, a data directory without a ledger.
int cluster_export(const LoadedConfig& config, const std::string& data);

}  // namespace acquirer
