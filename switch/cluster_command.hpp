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

int cluster_init(const LoadedConfig& config, const ClusterInit& wanted);
int cluster_status(const LoadedConfig& config);

}  // namespace acquirer
