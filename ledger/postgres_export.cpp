#include "ledger/postgres_export.hpp"

#include <algorithm>
#include <filesystem>

#include "iso8583/values/bytes.hpp"
#include "ledger/acknowledged_turn.hpp"
#include "ledger/backup_directory.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/postgres_cluster.hpp"
#include "ledger/postgres_store.hpp"
#include "ledger/rocks_tables.hpp"
#include "ledger/store_compare.hpp"

namespace ledger {

using iso8583::Result;

namespace {

constexpr std::size_t batch_bytes = std::size_t{4} << 20;
constexpr const char* scratch_name = "export.copy";
constexpr const char* node_name = "export";
constexpr const char* differ = "what was read back is not what the shard holds: nothing was exported";

tl::unexpected<StoreError> io_error(std::string what) {
    return tl::unexpected(StoreError{StoreError::Kind::io, std::move(what)});
}

/// All keys, all in one turn; how many.
Result<std::uint64_t, StoreError> write_keys(const StoreReader& from, RocksTables& to, std::uint64_t turn) {
    Batch batch;
    batch.turn_number = turn;
    std::size_t bytes = 0;
    std::uint64_t count = 0;
    std::optional<StoreError> error;
    const auto flush = [&] {
        if (auto applied = to.apply(batch, RocksTables::Sync::later); !applied) error = applied.error();
        batch.mutations.clear();
        bytes = 0;
    };
    for (const Family family : {Family::journal, Family::index}) {
        const auto read = from.scan(family, "", "", [&](std::string_view key, std::string_view value) {
            batch.mutations.push_back({{family, std::string(key)}, std::string(value)});
            bytes += key.size() + value.size();
            ++count;
            if (bytes >= batch_bytes) flush();
            return !error;
        });
        if (!read) return tl::unexpected(read.error());
    }
    if (!error) flush();
    if (error) return tl::unexpected(std::move(*error));
    return count;
}

/// The ring of turns as a ledger of one machine has it: without it an opening would miss the last ones.
Result<void, StoreError> write_turns(RocksTables& to, std::uint64_t last) {
    const std::uint64_t remembered = std::min<std::uint64_t>(last, RocksStore::turn_ring_slots);
    for (std::uint64_t turn = last - remembered + 1; turn <= last; ++turn) {
        Batch empty;
        empty.turn_number = turn;
        const auto sync = turn == last ? RocksTables::Sync::now : RocksTables::Sync::later;
        if (auto applied = to.apply(empty, sync); !applied) return applied;
    }
    return {};
}

/// Writes a store into `options.directory` and reads it back.
Result<ExportedLedger, StoreError> write_store(const PostgresStore& shard, const RocksStoreOptions& options) {
    ExportedLedger out;
    out.turn = shard.last_turn_number();
    {
        auto tables = RocksTables::open(options);
        if (!tables) return tl::unexpected(tables.error());
        const auto keys = write_keys(shard, **tables, out.turn);
        if (!keys) return tl::unexpected(keys.error());
        out.keys = *keys;
        if (auto turns = write_turns(**tables, out.turn); !turns) return tl::unexpected(turns.error());
        auto acknowledged = AcknowledgedTurn::open(acknowledged_path(options.directory));
        if (!acknowledged) return tl::unexpected(acknowledged.error());
        if (auto recorded = acknowledged->record_durably(out.turn); !recorded)
            return tl::unexpected(recorded.error());
    }
    const auto written = RocksStore::open(options);
    if (!written) return tl::unexpected(written.error());
    if ((*written)->last_turn_number() != out.turn)
        return tl::unexpected(StoreError{StoreError::Kind::corruption, differ});
    if (auto equal = compare_stores(shard, **written, differ); !equal) return tl::unexpected(equal.error());
    return out;
}

Result<ExportedLedger, StoreError> export_into(const PostgresStore& shard, const PostgresOptions& options,
                                               const RocksStoreOptions& rocks, const std::string& data) {
    if (shard.last_turn_number() == 0)
        return tl::unexpected(StoreError{StoreError::Kind::version,
                                         "shard " + std::to_string(options.shard) + " holds nothing"});
    const auto sealed = read_vault_secret(options);
    if (!sealed) return tl::unexpected(sealed.error());
    if (!*sealed)
        return io_error(std::string("cluster.secret has no ") + vault_key_name +
                        ", and without it no stored PAN can be opened");
    RocksStoreOptions wanted = rocks;
    wanted.directory = data + "/" + restoring_name;
    wanted.create_if_missing = true;
    std::error_code error;
    std::filesystem::remove_all(wanted.directory, error);  // of an export that was cut short
    auto exported = write_store(shard, wanted);
    if (!exported) return exported;
    if (auto key = write_file_durably(data + "/" + vault_key_name, iso8583::as_bytes(**sealed)); !key)
        return tl::unexpected(key.error());
    std::filesystem::rename(wanted.directory, data + "/" + store_name, error);
    if (error) return io_error(data + ": " + error.message());
    if (auto synced = sync_directory(data); !synced) return tl::unexpected(synced.error());
    return exported;
}

}  // namespace

Result<ExportedLedger, StoreError> export_ledger(const PostgresOptions& options,
                                                 const RocksStoreOptions& rocks, const std::string& data) {
    std::error_code error;
    for (const char* name : {store_name, vault_key_name})
        if (std::filesystem::exists(data + "/" + name, error))
            return tl::unexpected(StoreError{StoreError::Kind::locked,
                                             data + "/" + name + " is there already: nothing was exported"});
    std::filesystem::create_directories(data, error);
    if (error) return io_error(data + ": " + error.message());
    std::filesystem::permissions(data, std::filesystem::perms::owner_all, error);
    RocksStoreOptions scratch = rocks;
    scratch.directory = data + "/" + scratch_name;
    scratch.create_if_missing = true;
    PostgresOptions as_export = options;
    as_export.node = node_name;
    Result<ExportedLedger, StoreError> exported = io_error("");
    {
        auto shard = PostgresStore::open(as_export, scratch, {"", ""});
        if (!shard)
            exported = tl::unexpected(shard.error());
        else
            exported = export_into(**shard, options, rocks, data);
    }
    std::filesystem::remove_all(scratch.directory, error);
    return exported;
}

}  // namespace ledger
