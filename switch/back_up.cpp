#include "switch/back_up.hpp"

#include "ledger/backup_directory.hpp"
#include "ledger/rocks_backup.hpp"

namespace acquirer {

BackupEnded back_up(const std::vector<std::unique_ptr<ServedShard>>& shards, const MakeBackup& order,
                    const std::string& data, const DataOptions& options, std::string_view sealed_under,
                    const std::atomic<bool>& stop) {
    std::vector<ledger::BackedUpStore> stores;
    for (const auto& shard : shards) {
        const bool is_only = shards.size() == 1;
        stores.push_back({shard->opened.rocks, is_only ? "" : ledger::shard_directory_name(stores.size())});
    }
    if (stores.front().store == nullptr)
        return {false, "the ledger lies on PostgreSQL, whose own backups are those of the ledger", {}};
    ledger::BackupOrder wanted;
    wanted.directory = order.directory;
    wanted.data = data;
    wanted.made = order.at;
    wanted.business_day = order.business_day;
    wanted.by = order.by;
    wanted.configuration = order.configuration;
    wanted.sealed_under = sealed_under;
    wanted.disk_free_bytes_min = static_cast<std::uint64_t>(options.disk_free_mib_min) << 20;
    const auto made = ledger::make_backup(stores, wanted, stop);
    if (!made) return {false, made.error().what, {}};
    return {true,
            "backup " + made->mark.id + " up to turn " + std::to_string(made->mark.turn) + " is in " +
                order.directory,
            made->mark.id,
            made->mark.turn,
            made->files.size(),
            made->bytes()};
}

}  // namespace acquirer
