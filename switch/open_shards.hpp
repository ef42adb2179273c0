// The shards of one process: how many the ledger was begun with, where each lies, its part of what the
// configuration gives to all, and the way from a data directory to a core. One shard lies in the data
// directory itself; several in shard_00, shard_01 … of it, beside a file `shards` that says how many there
// are.
//
// Thread: start-up's. Errors: a sentence, for people. Source: docs/decisions/0058.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switch/audit_guard.hpp"
#include "switch/config/config.hpp"
#include "switch/core/switch_core.hpp"
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

/// A shard from its data directory to its core. Its store lies apart, since it goes first at the end.
struct ServedShard {
    std::string data;
    LoadedConfig config;  // its part
    std::optional<ledger::BackupMark> mark;
    OpenedStore opened;
    OpenedAuditKey audit;
    std::unique_ptr<ledger::PanVault> vault;
    std::unique_ptr<ledger::Overlay> overlay;
    std::unique_ptr<SwitchCore> core;

    /// Once its store is ready; the store has gone to whoever owns it by then.
    void make_core(const ConfigurationPtr& configuration, ledger::Store& store, const ledger::VaultKeys& keys,
                   std::size_t index, std::size_t of);
};

/// Their directories, made where there are none and their owner's alone, each with the backup that its store
/// was made from; the count is settled first. Stores and cores come later.
iso8583::Result<std::vector<std::unique_ptr<ServedShard>>> open_directories(const LoadedConfig& config,
                                                                            const std::string& data,
                                                                            DataUse use);

struct NotReady {
    const char* step;
    std::string what;
};

/// How the switch is begun: --verify, --as-restored.
struct ShardsUse {
    bool only_looks = false;
    bool accepts_loss = false;
};

/// What has to be right, or is brought up to this program, before anything is served from the stores. All
/// chains of one switch go under one key: that of the first that has one.
iso8583::Result<void, NotReady> ready_stores(const std::vector<std::unique_ptr<ServedShard>>& shards,
                                             ShardsUse use, const ledger::KeyEncryption& audit_kek,
                                             iso8583::RandomSource& random, Log& log, WallClock& clock);
/// The one that says whether the ledger is new.
const ledger::Store& with_most(const std::vector<std::unique_ptr<ledger::Store>>& stores);

}  // namespace acquirer
