// A backup as a directory: what lies in it, whether it is still what it was, and how a data directory is made
// out of it. Making one is rocks_backup.hpp's. A directory is whole when it has a manifest: that is written
// last, and the directory gets its name after it.
//
// Thread: any; blocks. Errors: sentences that name the file.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "ledger/backup_manifest.hpp"

namespace ledger {

// Names in a data directory.
inline constexpr const char* store_name = "store";
inline constexpr const char* vault_key_name = "vault.key";
/// How many shards there are, when they are several; each lies in shard_directory_name() then.
inline constexpr const char* shards_name = "shards";
std::string shard_directory_name(std::size_t index);
/// A restore that was cut short; there is no store then.
inline constexpr const char* restoring_name = "store.restoring";
/// The checkpoint that a backup is copied from, while it is.
inline constexpr const char* checkpoint_name = "backup.checkpoint";

/// Has the directory a manifest?
bool is_backup(const std::string& directory);
iso8583::Result<BackupManifest> read_manifest(const std::string& directory);
/// Everything that is not as the manifest says, a sentence each: missing, changed, or not of it.
std::vector<std::string> compare_with_manifest(const std::string& directory, const BackupManifest& manifest,
                                               const std::atomic<bool>& stop);
/// Copies the backup's store and vault key into `data`, which may not have a store: it is made when it is not
/// there. Every file is compared while it is copied, and the store gets its name last.
iso8583::Result<BackupManifest> restore_backup(const std::string& directory, const std::string& data,
                                               const std::atomic<bool>& stop);
/// Which backup the store in `data` was made from; nothing when from none.
iso8583::Result<std::optional<BackupMark>> backup_mark_of(const std::string& data);

/// Files below a directory, as relative paths, sorted.
iso8583::Result<std::vector<std::string>> files_below(const std::string& directory);

}  // namespace ledger
