#include "ledger/postgres_sql.hpp"

#include <algorithm>

namespace ledger {

using iso8583::Result;

namespace {

tl::unexpected<StoreError> failed(const std::string& doing, const PostgresError& why) {
    return tl::unexpected(StoreError{StoreError::Kind::io, doing + ": " + why.what});
}

std::string text_of(const std::optional<std::string>& field) { return field.value_or(std::string()); }

}  // namespace

Result<std::string, StoreError> read_ledger_identity(PostgresConnection& connection, std::uint32_t limit_ms) {
    const auto rows = connection.run("select version, ledger from cluster.meta", {}, limit_ms);
    if (!rows) {
        if (rows.error().sqlstate == "42P01" || rows.error().sqlstate == "3F000")
            return tl::unexpected(StoreError{StoreError::Kind::version,
                                             connection.host() +
                                                 ": the database has no tables of a cluster (refund-switch "
                                                 "cluster init makes them)"});
        return failed("reading cluster.meta", rows.error());
    }
    if (rows->size() != 1)
        return tl::unexpected(
            StoreError{StoreError::Kind::corruption,
                       "cluster.meta has " + std::to_string(rows->size()) + " rows, not 1"});
    const std::int64_t version = integer_of(rows->front()[0]);
    if (version != cluster_schema_version)
        return tl::unexpected(StoreError{
            StoreError::Kind::version,
            "the tables of the cluster have version " + std::to_string(version) + ", this program knows " +
                std::to_string(cluster_schema_version) + " only (" +
                (version < cluster_schema_version ? "refund-switch cluster init brings older ones to it"
                                                  : "a newer program has made them: install that one here") +
                ")"});
    return text_of(rows->front()[1]);
}

Result<Replication, StoreError> read_replication(PostgresConnection& connection, std::uint32_t limit_ms) {
    const auto rows = connection.run(
        "select current_setting('synchronous_commit'), current_setting('synchronous_standby_names')", {},
        limit_ms);
    if (!rows) return failed("reading the settings of replication", rows.error());
    const PostgresRow& row = rows->front();
    return Replication{text_of(row[0]), text_of(row[1])};
}

Result<void, StoreError> check_replication(PostgresConnection& connection, const PostgresOptions& options) {
    const auto replication = read_replication(connection, options.reply_ms);
    if (!replication) return tl::unexpected(replication.error());
    if (replication->synchronous_commit != "on")
        return tl::unexpected(
            StoreError{StoreError::Kind::version, connection.host() + ": synchronous_commit is \"" +
                                                      replication->synchronous_commit + "\" and not \"on\""});
    if (replication->synchronous_standby_names.empty() && !options.allow_unreplicated)
        return tl::unexpected(StoreError{
            StoreError::Kind::version,
            connection.host() +
                ": synchronous_standby_names is empty: what is acknowledged would die with that server "
                "([store.postgres] allow_unreplicated is for tests)"});
    return {};
}

StoreError fenced_error(const PostgresOptions& options) {
    return {StoreError::Kind::fenced, "shard " + std::to_string(options.shard) +
                                          " has another owner now: node " + options.node +
                                          " was fenced, and answers nothing any more"};
}

StoreError refused_error(std::uint64_t turn, const PostgresError& why) {
    return {StoreError::Kind::io, "committing turn " + std::to_string(turn) + ": " + why.what};
}

Result<std::vector<ShardRow>, StoreError> read_shards(PostgresConnection& connection,
                                                      std::optional<std::uint32_t> only,
                                                      std::uint32_t limit_ms) {
    PostgresParams params;
    params.int4(only ? static_cast<std::int32_t>(*only) : -1);
    const auto rows = connection.run(
        "select id, code::text, epoch, turn, owner, address, "
        "case when isfinite(lease_until) then "
        "(extract(epoch from lease_until - clock_timestamp()) * 1000)::bigint else 0::bigint end, "
        "stan_from, stan_to, config_hash, move_to, "
        "case when isfinite(move_until) then "
        "(extract(epoch from move_until - clock_timestamp()) * 1000)::bigint else 0::bigint end, "
        "move_ready::int from cluster.shard where $1::int in (-1, id) order by id",
        params, limit_ms);
    if (!rows) return failed("reading cluster.shard", rows.error());
    std::vector<ShardRow> out;
    for (const PostgresRow& row : *rows) {
        ShardRow& shard = out.emplace_back();
        shard.id = static_cast<std::uint32_t>(integer_of(row[0]));
        shard.code = text_of(row[1]);
        shard.epoch = static_cast<std::uint64_t>(integer_of(row[2]));
        shard.turn = static_cast<std::uint64_t>(integer_of(row[3]));
        shard.owner = text_of(row[4]);
        shard.address = text_of(row[5]);
        shard.lease_left_ms = integer_of(row[6]);
        shard.stan_from = static_cast<std::uint32_t>(integer_of(row[7]));
        shard.stan_to = static_cast<std::uint32_t>(integer_of(row[8]));
        shard.config_hash = text_of(row[9]);
        shard.move_to = text_of(row[10]);
        shard.move_left_ms = integer_of(row[11]);
        shard.move_ready = integer_of(row[12]) != 0;
    }
    return out;
}

std::string commit_sql(std::uint32_t shard) {
    const std::string schema = shard_schema(shard);
    // Every part stands on f: without the row of our epoch and the turn before, none of them writes.
    return "with f as (update cluster.shard set turn = $2::bigint, "
           "lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond' "
           "where id = $4::int and epoch = $1::bigint and turn = $2::bigint - 1 "
           "returning case when move_ready then move_to end as move_to), "
           "j as (insert into " +
           schema +
           ".journal select u.k, u.v from f, unnest($5::bytea[], $6::bytea[]) u(k, v) "
           "on conflict (key) do update set value = excluded.value), "
           "i as (insert into " +
           schema +
           ".idx select u.k, u.v from f, unnest($7::bytea[], $8::bytea[]) u(k, v) "
           "on conflict (key) do update set value = excluded.value), "
           "nj as (insert into " +
           schema +
           ".journal select u.k, u.v from f, unnest($13::bytea[], $14::bytea[]) u(k, v)), "
           "ni as (insert into " +
           schema +
           ".idx select u.k, u.v from f, unnest($15::bytea[], $16::bytea[]) u(k, v)), "
           "dj as (delete from " +
           schema +
           ".journal where key = any($9::bytea[]) and exists (select from f)), "
           "di as (delete from " +
           schema +
           ".idx where key = any($10::bytea[]) and exists (select from f)), "
           "l as (insert into " +
           schema +
           ".turns select $2::bigint, $1::bigint, $11::bytea from f), "
           "o as (delete from " +
           schema +
           ".turns where turn = $2::bigint - $12::bigint and exists (select from f)) "
           "select count(*), max(move_to) from f";
}

PostgresParams commit_params(const Batch& batch, std::uint64_t epoch, const PostgresOptions& options,
                             const std::function<bool(const Key&)>& is_new) {
    std::vector<const Mutation*> last;
    for (const Mutation& m : batch.mutations) last.push_back(&m);
    // Sorted, so that two statements can never wait for each other's rows; of equal keys the last stays.
    std::stable_sort(last.begin(), last.end(),
                     [](const Mutation* a, const Mutation* b) { return a->key < b->key; });
    struct Rows {
        std::vector<std::string_view> keys[2], values[2];
    };
    Rows put, added;
    std::vector<std::string_view> erased[2];
    std::vector<const Key*> keys;
    for (std::size_t i = 0; i < last.size(); ++i) {
        if (i + 1 < last.size() && last[i + 1]->key == last[i]->key) continue;
        const Mutation& m = *last[i];
        const auto family = static_cast<std::size_t>(m.key.family);
        keys.push_back(&m.key);
        if (m.value) {
            Rows& rows = is_new(m.key) ? added : put;
            rows.keys[family].push_back(m.key.bytes);
            rows.values[family].push_back(*m.value);
        } else {
            erased[family].push_back(m.key.bytes);
        }
    }
    PostgresParams params;
    params.int8(epoch)
        .int8(batch.turn_number)
        .int8(options.lease_ms)
        .int4(static_cast<std::int32_t>(options.shard))
        .bytes_array(put.keys[0])
        .bytes_array(put.values[0])
        .bytes_array(put.keys[1])
        .bytes_array(put.values[1])
        .bytes_array(erased[0])
        .bytes_array(erased[1])
        .bytes(keys_record(keys))
        .int8(options.turns_kept)
        .bytes_array(added.keys[0])
        .bytes_array(added.values[0])
        .bytes_array(added.keys[1])
        .bytes_array(added.values[1]);
    return params;
}

std::string keys_record(const std::vector<const Key*>& keys) {
    std::string out;
    for (const Key* key : keys) {
        out.push_back(static_cast<char>(key->family));
        for (const int shift : {24, 16, 8, 0})
            out.push_back(static_cast<char>((key->bytes.size() >> shift) & 0xFF));
        out += key->bytes;
    }
    return out;
}

std::optional<std::vector<Key>> parse_keys_record(std::string_view bytes) {
    constexpr std::size_t head_bytes = 5;
    std::vector<Key> keys;
    while (!bytes.empty()) {
        if (bytes.size() < head_bytes || static_cast<unsigned char>(bytes[0]) > 1) return std::nullopt;
        std::size_t size = 0;
        for (const char c : bytes.substr(1, head_bytes - 1)) size = size << 8 | static_cast<std::uint8_t>(c);
        if (bytes.size() - head_bytes < size) return std::nullopt;
        keys.push_back({static_cast<Family>(bytes[0]), std::string(bytes.substr(head_bytes, size))});
        bytes.remove_prefix(head_bytes + size);
    }
    return keys;
}

}  // namespace ledger
