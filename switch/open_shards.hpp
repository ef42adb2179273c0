// The shards of one process: how many the ledger was begun with, where each lies, and its part of what the
// configuration gives to all. One shard lies in the data directory itself; several in shard_00, shard_01 … of
// it, beside a file `shards` that says how many there are.
//
// Thread: start-up's. Errors: a sentence, for people. Source: docs/decisions/0058.
#pragma once

#include <string>

#include "switch/config/config.hpp"
#include "switch/io/shards.hpp"
#include "switch/open_store.hpp"

namespace acquirer {

enum class DataUse : std::uint8_t { begin, look };

/// A ledger keeps the number of shards that it was begun with: another one in [store] shards is refused. A
/// new one is begun: the number is durable before there is anything else.
iso8583::Result<void> settle_shard_count(const LoadedConfig& config, const std::string& data, DataUse use);
/// Where the `index`-th lies.
std::string shard_directory(const LoadedConfig& config, const std::string& data, std::size_t index);
/// The configuration as its store is opened by: caches and logs are divided, second places have a name each.
LoadedConfig config_of_shard(const LoadedConfig& config, std::size_t index);
/// Adds the merchants that the shard's ledger says are its; refused when another has them.
iso8583::Result<void> add_merchants(ShardMap::Written& written, const ledger::StoreReader& store,
                                    std::size_t index, std::size_t of);

}  // namespace acquirer
