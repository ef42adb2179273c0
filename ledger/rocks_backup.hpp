// A backup of a running store: a checkpoint beside it (hard links, a moment), then a copy of every file with
// its digest, synced, into a directory that gets its name only when it is whole. A copy and no links: a
// backup that shares its bytes with the ledger is lost with it.
//
// What belongs in it is decided in docs/decisions/0014-backups.md: the store, and the vault's key as it lies
// there, sealed. Neither LMK nor key file nor configuration.
//
// Thread: any but the core's; blocks for as long as the disks take.
#pragma once

#include "ledger/backup_manifest.hpp"
#include "ledger/rocks_store.hpp"

namespace ledger {

struct BackupOrder {
    std::string directory;  // absolute; must not be there, or be empty
    std::string data;       // the switch's data directory
    iso8583::UtcTime made;
    iso8583::BusinessDate business_day;
    std::string by, configuration, sealed_under;
    /// Stays free on the disk when the backup lies on the ledger's own (R62).
    std::uint64_t disk_free_bytes_min = 0;
};

/// A store of the switch, and its place in the data directory as in the backup: empty, or that of a shard.
struct BackedUpStore {
    const RocksStore* store = nullptr;
    std::string place;
};

/// What was written. An error leaves nothing under the directory's name. Of several shards the first is the
/// last whose moment comes: what it has told the others it tells them again, what they have heard from it it
/// has decided (docs/decisions/0065).
iso8583::Result<BackupManifest> make_backup(const std::vector<BackedUpStore>& stores,
                                            const BackupOrder& order, const std::atomic<bool>& stop);

}  // namespace ledger
