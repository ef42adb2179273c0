#include "switch/open_shards.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <semaphore>

#include "ledger/backup_directory.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/ledger_format.hpp"
#include "ledger/number_plan.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::size_t count_bytes_max = 16;

std::string words(std::size_t count) { return std::to_string(count) + (count == 1 ? " shard" : " shards"); }

/// What the data directory was begun with; 0: it is new.
Result<std::size_t> begun_with(const std::string& data) {
    const std::string path = data + "/" + ledger::shards_name;
    const auto bytes = ledger::read_small_file(path, count_bytes_max);
    if (!bytes) return parse_error(bytes.error().what);
    if (*bytes) {
        const std::string_view text = iso8583::as_text(**bytes);
        for (const std::size_t count : {2U, 4U})
            if (text == std::to_string(count) + "\n") return count;
        return parse_error(path + ": says no number of shards");
    }
    std::error_code error;
    for (std::size_t index = 0; index < ledger::shards_max; ++index)
        if (std::filesystem::exists(data + "/" + ledger::shard_directory_name(index), error))
            return parse_error(path +
                               ": is gone, and shards lie beside it: write how many there are into it");
    return std::filesystem::exists(data + "/" + ledger::store_name, error) ? 1 : 0;
}

/// Makes the shard's directory its owner's alone. Says which backup its store was made from. `whole`: the
/// data directory, where a restore begins.
Result<std::optional<ledger::BackupMark>> open_directory(const LoadedConfig& config, const std::string& data,
                                                         const std::string& whole, DataUse use) {
    std::error_code error;
    const bool here = config.store.engine == StoreEngine::rocks;
    const std::string store = store_directory(config, data);
    const bool has_store = std::filesystem::exists(store, error);
    if (here && use == DataUse::look && !has_store) return parse_error(store + ": no ledger is there");
    if (!here && std::filesystem::exists(data + "/" + ledger::store_name, error))
        return parse_error(data + "/" + ledger::store_name +
                           ": a ledger of one machine is there, and [store] engine is \"postgres\"");
    if (here && !has_store && std::filesystem::exists(whole + "/" + ledger::restoring_name, error))
        return parse_error(whole + "/" + ledger::restoring_name +
                           ": a restore was cut short: begin it again (refundctl restore)");
    std::filesystem::create_directories(data, error);
    if (error) return parse_error(data + ": " + error.message());
    ::chmod(data.c_str(), S_IRWXU);
    return ledger::backup_mark_of(data);
}

/// Brings records of an older format to this program's, and says so in one line.
Result<void> migrate(ledger::Store& store, Log& log, WallClock& clock) {
    const auto commit = [&store](ledger::Batch batch) {
        std::binary_semaphore synced(0);
        store.begin_sync(std::move(batch), [&synced] { synced.release(); });
        synced.acquire();
        return store.finish_sync();
    };
    const auto migrated = ledger::migrate_to_current_format(store, commit);
    if (!migrated) return parse_error(migrated.error().what);
    if (*migrated)
        log.line(Severity::warning, "ledger_migrated",
                 {{"from_format", std::to_string((*migrated)->from)},
                  {"to_format", std::to_string(ledger::format_version)},
                  {"records", std::to_string((*migrated)->records)}},
                 clock.now());
    return {};
}

/// For whoever only looks: an older format is not brought to this program's.
Result<void> check_format(const ledger::Store& store) {
    const auto stored = ledger::stored_format(store);
    if (!stored) return parse_error(stored.error().what);
    if (!*stored || (*stored)->format == ledger::format_version) return {};
    return parse_error("the ledger has format " + std::to_string((*stored)->format) +
                       ", this program reads " + std::to_string(ledger::format_version) +
                       ": a start of the switch migrates it");
}

enum class Lost : std::uint8_t { nothing, its_end };

/// What the store and its audit chain have lost by what is noted elsewhere: refuses to start, or, where a
/// person has decided so, makes the ledger one that was restored.
Result<Lost> judge_what_is_lost(const LoadedConfig& config, ShardsUse use, const std::string& data,
                                OpenedStore& opened, const OpenedAuditKey& audit,
                                std::optional<ledger::BackupMark>& mark, Log& log, WallClock& clock) {
    std::string lost = opened.rocks != nullptr ? opened.rocks->lost() : "";
    // A backup, and what was restored from one and not worked on yet, end before what is noted.
    const bool ends_before =
        (use.only_looks && ledger::is_backup(data)) || (mark && !has_worked_on(*opened.store, *mark));
    if (lost.empty() && !ends_before) lost = audit_fault_at_start(*opened.store, audit, config.audit);
    if (lost.empty()) return Lost::nothing;
    if (!use.accepts_loss) return parse_error(lost + "; docs/operations.md, \"A ledger that lost its end\"");
    auto restored = count_as_restored(opened, data, clock.now().utc);
    if (!restored) return tl::unexpected(restored.error());
    log.line(Severity::alarm, "loss_accepted", {{"detail", lost}, {"rule", "R65"}}, clock.now());
    mark = std::move(*restored);
    return Lost::its_end;
}

/// What has to be right, or brought up to this program, before anything is served from the store.
Result<Lost, NotReady> judge_shard(ServedShard& shard, ShardsUse use, const ledger::KeyEncryption& audit_kek,
                                   iso8583::RandomSource& random, const std::string& audit_key_of_others,
                                   Log& log, WallClock& clock) {
    auto audit = open_audit_key(*shard.opened.store, audit_kek, random, audit_key_of_others);
    if (!audit) return tl::unexpected(NotReady{"audit key", audit.error().what});
    shard.audit = std::move(*audit);
    const auto lost =
        judge_what_is_lost(shard.config, use, shard.data, shard.opened, shard.audit, shard.mark, log, clock);
    if (!lost) return tl::unexpected(NotReady{"audit chain", lost.error().what});
    return *lost;
}

Result<void, NotReady> ready_store(ServedShard& shard, ShardsUse use, Log& log, WallClock& clock) {
    std::error_code none;  // it is ours now: what a backup that was cut short was copied from is nobody's
    if (!use.only_looks) std::filesystem::remove_all(shard.data + "/" + ledger::checkpoint_name, none);
    const auto format =
        use.only_looks ? check_format(*shard.opened.store) : migrate(*shard.opened.store, log, clock);
    if (!format) return tl::unexpected(NotReady{"ledger format", format.error().what});
    return {};
}

}  // namespace

Result<void> settle_shard_count(const LoadedConfig& config, const std::string& data, DataUse use) {
    const auto wanted = static_cast<std::size_t>(config.store.shards);
    if (config.store.engine != StoreEngine::rocks) return {};
    const auto begun = begun_with(data);
    if (!begun) return tl::unexpected(begun.error());
    if (*begun != 0 && *begun != wanted)
        return parse_error(data + ": the ledger was begun with " + words(*begun) +
                           ", and [store] shards says " + std::to_string(wanted) +
                           ": the number stays as it is");
    if (*begun != 0 || wanted == 1 || use == DataUse::look) return {};
    std::error_code error;
    // No ledger is begun beside half a restore; whoever opens the data directory says so.
    if (std::filesystem::exists(data + "/" + ledger::restoring_name, error)) return {};
    std::filesystem::create_directories(data, error);
    if (error) return parse_error(data + ": " + error.message());
    ::chmod(data.c_str(), S_IRWXU);
    const std::string text = std::to_string(wanted) + "\n";
    if (auto kept = ledger::write_file_durably(data + "/" + ledger::shards_name, iso8583::as_bytes(text));
        !kept)
        return parse_error(kept.error().what);
    return {};
}

std::string shard_directory(const LoadedConfig& config, const std::string& data, std::size_t index) {
    return config.store.shards == 1 ? data : data + "/" + ledger::shard_directory_name(index);
}

Result<std::vector<std::unique_ptr<ServedShard>>> open_directories(const LoadedConfig& config,
                                                                   const std::string& data, DataUse use) {
    if (const auto settled = settle_shard_count(config, data, use); !settled)
        return tl::unexpected(settled.error());
    std::vector<std::unique_ptr<ServedShard>> shards;
    for (std::size_t index = 0; index < static_cast<std::size_t>(config.store.shards); ++index) {
        auto shard = std::make_unique<ServedShard>();
        shard->data = shard_directory(config, data, index);
        auto mark = open_directory(config, shard->data, data, use);
        if (!mark) return tl::unexpected(mark.error());
        shard->mark = std::move(*mark);
        shards.push_back(std::move(shard));
    }
    return shards;
}

LoadedConfig config_of_shard(const LoadedConfig& config, std::size_t index) {
    LoadedConfig out = config;
    const std::int64_t of = config.store.shards;
    if (of == 1) return out;
    out.data.cache_mib = std::max<std::int64_t>(1, out.data.cache_mib / of);
    out.data.wal_mib_max = std::max<std::int64_t>(1, out.data.wal_mib_max / of);
    for (std::string* second_place : {&out.store.acknowledged_copy, &out.audit.head_file})
        if (!second_place->empty()) *second_place += ".0" + std::to_string(index);
    return out;
}

void ServedShard::make_core(const ConfigurationPtr& configuration, ledger::Store& store,
                            const ledger::VaultKeys& keys, std::size_t index, std::size_t of) {
    vault = std::make_unique<ledger::PanVault>(keys);
    overlay = std::make_unique<ledger::Overlay>(store);
    core = std::make_unique<SwitchCore>(part_of_shard(configuration, index, of), *overlay, *vault,
                                        ledger::audit_sha256, opened.numbers);
    core->comes_from(mark);
    core->keys_audit_with(*audit.key, audit.made);
}

const ledger::Store& with_most(const std::vector<std::unique_ptr<ledger::Store>>& stores) {
    return **std::max_element(stores.begin(), stores.end(), [](const auto& a, const auto& b) {
        return a->last_turn_number() < b->last_turn_number();
    });
}

Result<void, NotReady> ready_stores(const std::vector<std::unique_ptr<ServedShard>>& shards, ShardsUse use,
                                    const ledger::KeyEncryption& audit_kek, iso8583::RandomSource& random,
                                    Log& log, WallClock& clock) {
    std::string audit_key;
    for (const auto& shard : shards) {
        const auto stored = ledger::sealed_audit_key(*shard->opened.store);
        if (!stored) return tl::unexpected(NotReady{"audit key", stored.error().what});
        if (audit_key.empty()) audit_key = stored->value_or("");
    }
    // One may have lost its end and another not.
    bool something_is_lost = false;
    for (const auto& shard : shards) {
        const auto lost = judge_shard(*shard, use, audit_kek, random, audit_key, log, clock);
        if (!lost) return tl::unexpected(lost.error());
        something_is_lost = something_is_lost || *lost == Lost::its_end;
        audit_key = shard->audit.sealed;
    }
    if (use.accepts_loss && !something_is_lost)
        return tl::unexpected(NotReady{
            "audit chain", "--as-restored: the ledger has all that was acknowledged; start without it"});
    for (const auto& shard : shards)
        if (auto ready = ready_store(*shard, use, log, clock); !ready) return ready;
    return {};
}

}  // namespace acquirer
