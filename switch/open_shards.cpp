#include "switch/open_shards.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "ledger/backup_directory.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/number_plan.hpp"
#include "ledger/shard_merchants.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr const char* count_name = "shards";
constexpr std::size_t count_bytes_max = 16;

std::string suffix(std::size_t index) { return "0" + std::to_string(index); }

std::string words(std::size_t count) { return std::to_string(count) + (count == 1 ? " shard" : " shards"); }

/// What the data directory was begun with; 0: it is new.
Result<std::size_t> begun_with(const std::string& data) {
    const std::string path = data + "/" + count_name;
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
        if (std::filesystem::exists(data + "/shard_" + suffix(index), error))
            return parse_error(path +
                               ": is gone, and shards lie beside it: write how many there are into it");
    return std::filesystem::exists(data + "/" + ledger::store_name, error) ? 1 : 0;
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
    std::filesystem::create_directories(data, error);
    if (error) return parse_error(data + ": " + error.message());
    ::chmod(data.c_str(), S_IRWXU);
    const std::string text = std::to_string(wanted) + "\n";
    if (auto kept = ledger::write_file_durably(data + "/" + count_name, iso8583::as_bytes(text)); !kept)
        return parse_error(kept.error().what);
    return {};
}

std::string shard_directory(const LoadedConfig& config, const std::string& data, std::size_t index) {
    return config.store.shards == 1 ? data : data + "/shard_" + suffix(index);
}

LoadedConfig config_of_shard(const LoadedConfig& config, std::size_t index) {
    LoadedConfig out = config;
    const std::int64_t of = config.store.shards;
    if (of == 1) return out;
    out.data.cache_mib = std::max<std::int64_t>(1, out.data.cache_mib / of);
    out.data.wal_mib_max = std::max<std::int64_t>(1, out.data.wal_mib_max / of);
    for (std::string* second_place : {&out.store.acknowledged_copy, &out.audit.head_file})
        if (!second_place->empty()) *second_place += "." + suffix(index);
    return out;
}

Result<void> add_merchants(ShardMap::Written& written, const ledger::StoreReader& store, std::size_t index,
                           std::size_t of) {
    if (of == 1) return {};
    const auto merchants = ledger::merchants_of_shard(store, ledger::plan_of_shard(index, of).shard);
    if (!merchants) return parse_error(merchants.error().what);
    for (const iso8583::MerchantId& merchant : *merchants) {
        const auto [at, added] = written.emplace(merchant, index);
        if (!added)
            return parse_error("merchant " + merchant.str() + " has work in shard " +
                               std::to_string(at->second) + " and in shard " + std::to_string(index));
    }
    return {};
}

}  // namespace acquirer
