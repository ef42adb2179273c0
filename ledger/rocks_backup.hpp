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

/// What was written. An error leaves nothing under the directory's name.
iso8583::Result<BackupManifest> make_backup(const RocksStore& store, const BackupOrder& order,
                                            const std::atomic<bool>& stop);

}  // namespace ledger
