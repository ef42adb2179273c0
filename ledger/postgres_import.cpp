#include "ledger/postgres_import.hpp"

#include <filesystem>
#include <vector>

#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_sql.hpp"
#include "ledger/store_compare.hpp"

namespace ledger {

using iso8583::Result;

namespace {

constexpr std::size_t batch_bytes = std::size_t{4} << 20;
constexpr std::uint32_t insert_limit_ms = 60'000;
constexpr const char* vault_key_secret = "vault.key";
constexpr const char* differ = "what was read back is not what was written: the shard must not be used";

tl::unexpected<StoreError> failed(const std::string& doing, const PostgresError& why) {
    return tl::unexpected(StoreError{StoreError::Kind::io, doing + ": " + why.what});
}

const char* table_of(Family family) { return family == Family::journal ? ".journal" : ".idx"; }

/// All keys of a family into its table; how many.
Result<std::uint64_t, StoreError> insert_family(PostgresConnection& connection,
                                                const PostgresOptions& options, const RocksStore& from,
                                                Family family) {
    const std::string sql = "insert into " + shard_schema(options.shard) + table_of(family) +
                            " select u.k, u.v from unnest($1::bytea[], $2::bytea[]) u(k, v)";
    std::vector<std::string> keys, values;
    std::size_t bytes = 0;
    std::uint64_t count = 0;
    std::optional<StoreError> error;
    const auto flush = [&] {
        if (keys.empty() || error) return;
        PostgresParams params;
        params.bytes_array({keys.begin(), keys.end()}).bytes_array({values.begin(), values.end()});
        const auto rows = connection.run(sql, params, insert_limit_ms);
        if (!rows) error = failed("writing into the shard", rows.error()).value();
        count += keys.size();
        keys.clear();
        values.clear();
        bytes = 0;
    };
    const auto read = from.scan(family, "", "", [&](std::string_view key, std::string_view value) {
        keys.emplace_back(key);
        values.emplace_back(value);
        bytes += key.size() + value.size();
        if (bytes >= batch_bytes) flush();
        return !error;
    });
    flush();
    if (!read) return tl::unexpected(read.error());
    if (error) return tl::unexpected(std::move(*error));
    return count;
}

/// Into a shard that has never been used, under its row's lock.
Result<ImportedLedger, StoreError> insert_all(PostgresConnection& connection, const PostgresOptions& options,
                                              const RocksStore& from, const std::string& sealed_vault_key) {
    ImportedLedger out;
    out.turn = from.last_turn_number();
    const std::string refused = "shard " + std::to_string(options.shard) +
                                " has been used, or is not there: a ledger is moved into a new one only";
    PostgresParams shard;
    shard.int4(static_cast<std::int32_t>(options.shard)).int8(out.turn);
    const auto taken = connection.run(
        "update cluster.shard set epoch = 1, turn = $2::bigint where id = $1::int and epoch = 0 and turn = 0 "
        "and owner is null returning 1",
        shard, insert_limit_ms);
    if (!taken) return failed("taking the shard", taken.error());
    if (taken->empty()) return tl::unexpected(StoreError{StoreError::Kind::locked, refused});
    for (const Family family : {Family::journal, Family::index}) {
        const auto count = insert_family(connection, options, from, family);
        if (!count) return tl::unexpected(count.error());
        (family == Family::journal ? out.journal_keys : out.index_keys) = *count;
    }
    // The last turn's row, by which copies know where they stand.
    PostgresParams turn;
    turn.int8(out.turn);
    if (const auto rows = connection.run(
            "insert into " + shard_schema(options.shard) + ".turns values ($1::bigint, 1, ''::bytea)", turn,
            insert_limit_ms);
        !rows)
        return failed("writing the log of keys", rows.error());
    PostgresParams secret;
    secret.text(vault_key_secret).bytes(sealed_vault_key);
    if (const auto rows = connection.run(
            "insert into cluster.secret(name, sealed) values ($1::text, $2::bytea)", secret, insert_limit_ms);
        !rows) {
        if (rows.error().sqlstate == "23505")
            return tl::unexpected(StoreError{StoreError::Kind::locked,
                                             "the cluster has a vault key already, and this ledger another"});
        return failed("storing the vault's key", rows.error());
    }
    return out;
}

}  // namespace

Result<ImportedLedger, StoreError> import_ledger(const PostgresOptions& options,
                                                 const RocksStoreOptions& from,
                                                 const std::string& sealed_vault_key,
                                                 const std::string& scratch) {
    RocksStoreOptions as_switch = from;
    as_switch.create_if_missing = false;
    const auto store = RocksStore::open(as_switch);
    if (!store) return tl::unexpected(store.error());
    if ((*store)->last_turn_number() == 0)
        return tl::unexpected(
            StoreError{StoreError::Kind::version, "the ledger in " + from.directory + " holds nothing"});
    const PostgresInterrupt never;
    std::size_t first = 0;
    auto opened = PostgresConnection::open(options, first, never);
    if (!opened) return tl::unexpected(StoreError{StoreError::Kind::io, opened.error().what});
    PostgresConnection& connection = **opened;
    if (const auto ledger = read_ledger_identity(connection, options.reply_ms); !ledger)
        return tl::unexpected(ledger.error());
    if (auto begun = connection.run_script("begin", insert_limit_ms); !begun)
        return failed("beginning", begun.error());
    auto imported = insert_all(connection, options, **store, sealed_vault_key);
    if (!imported) return imported;  // the connection goes, and with it what was not committed
    if (auto done = connection.run_script("commit", insert_limit_ms); !done)
        return failed("whether all was written is not known (cluster status shows the shard's turn)",
                      done.error());

    RocksStoreOptions copy_options = from;
    copy_options.directory = scratch;
    auto copy = PostgresCopy::open(copy_options, options);
    if (!copy) return tl::unexpected(copy.error());
    auto compared = (*copy)->follow(connection);
    if (compared) compared = compare_stores(**store, (*copy)->tables(), differ);
    copy->reset();
    std::error_code none;
    std::filesystem::remove_all(scratch, none);
    if (!compared) return tl::unexpected(compared.error());
    return imported;
}

}  // namespace ledger
