#include "ledger/postgres_cluster.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include "ledger/backup_directory.hpp"
#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_sql.hpp"

namespace ledger {

using iso8583::Result;

namespace {

constexpr std::uint32_t create_limit_ms = 60'000;

tl::unexpected<StoreError> io_error(std::string what) {
    return tl::unexpected(StoreError{StoreError::Kind::io, std::move(what)});
}
tl::unexpected<StoreError> io_error(const std::string& doing, const PostgresError& why) {
    return io_error(doing + ": " + why.what);
}

Result<std::unique_ptr<PostgresConnection>, StoreError> connect(const PostgresOptions& options,
                                                                const PostgresInterrupt& interrupt) {
    std::size_t first = 0;
    auto connection = PostgresConnection::open(options, first, interrupt);
    if (!connection) return io_error(connection.error().what);
    return std::move(*connection);
}

/// "00" to "ZZ": base 36.
std::string code_of(std::uint32_t shard) {
    constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return {digits[shard / digits.size() % digits.size()], digits[shard % digits.size()]};
}

/// An identifier in double quotes.
std::string quoted(const std::string& name) {
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

std::string shard_tables(std::uint32_t shard) {
    const std::string schema = shard_schema(shard);
    return "create schema " + schema +
           ";\n"
           "create table " +
           schema +
           ".journal(key bytea primary key, value bytea not null) with (fillfactor=75);\n"
           "create table " +
           schema +
           ".idx(key bytea primary key, value bytea not null) with (fillfactor=90);\n"
           "create table " +
           schema +
           ".turns(turn bigint primary key, epoch bigint not null, keys bytea not null);\n"
           "alter table " +
           schema +
           ".journal alter column value set storage main;\n"
           "alter table " +
           schema +
           ".idx alter column value set storage main;\n"
           "insert into cluster.shard(id, code) values (" +
           std::to_string(shard) + ", '" + code_of(shard) + "');\n";
}

/// Version 2 brought them: who the shard is to go to, until when others leave it alone, and whether that node
/// waits.
constexpr std::string_view move_columns =
    "  move_to text, move_until timestamptz not null default '-infinity', move_ready boolean not null "
    "default false";
constexpr const char* to_version_2 =
    "begin;\n"
    "alter table cluster.shard add column move_to text,\n"
    "  add column move_until timestamptz not null default '-infinity',\n"
    "  add column move_ready boolean not null default false;\n"
    "update cluster.meta set version = 2;\n"
    "commit;\n";

/// One script, one transaction.
std::string tables_of(std::uint32_t shards, const std::string& user) {
    std::string sql =
        "begin;\n"
        "create schema cluster;\n"
        "create table cluster.meta(version int not null, ledger text not null);\n"
        "insert into cluster.meta values (" +
        std::to_string(cluster_schema_version) +
        ", gen_random_uuid()::text);\n"
        "create table cluster.shard(id int primary key, code char(2) unique not null,\n"
        "  epoch bigint not null default 0, turn bigint not null default 0, owner text, address text,\n"
        "  lease_until timestamptz not null default '-infinity', stan_from int not null default 1,\n"
        "  stan_to int not null default 999999, config_hash text,\n" +
        std::string(move_columns) +
        ") with (fillfactor=10);\n"
        "create table cluster.secret(name text primary key, sealed bytea not null);\n";
    for (std::uint32_t shard = 0; shard < shards; ++shard) sql += shard_tables(shard);
    const std::string to = " to " + quoted(user) + ";\n";
    sql += "grant usage on schema cluster" + to + "grant select on cluster.meta" + to +
           "grant select, update on cluster.shard" + to +
           "grant select, insert, update, delete on cluster.secret" + to;
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
        const std::string schema = shard_schema(shard);
        sql.append("grant usage on schema ").append(schema).append(to);
        sql.append("grant select, insert, update, delete on all tables in schema ").append(schema).append(to);
    }
    return sql + "commit;\n";
}

}  // namespace

std::string shard_schema(std::uint32_t shard) {
    std::array<char, 16> name{};
    std::snprintf(name.data(), name.size(), "shard_%02u", shard);
    return name.data();
}

namespace {

PostgresOptions as_owner_of(const PostgresOptions& options, const std::string& owner,
                            const std::string& password) {
    PostgresOptions out = options;
    if (owner.empty()) return out;
    out.user = owner;
    out.password = password;
    return out;
}

}  // namespace

Result<bool, StoreError> upgrade_cluster(const PostgresOptions& options, const std::string& owner,
                                         const std::string& owner_password) {
    const PostgresInterrupt never;
    const auto connection = connect(as_owner_of(options, owner, owner_password), never);
    if (!connection) return tl::unexpected(connection.error());
    const auto rows = (*connection)->run("select version from cluster.meta", {}, options.reply_ms);
    if (!rows) {
        if (rows.error().sqlstate == "3F000" || rows.error().sqlstate == "42P01") return false;  // none yet
        return io_error("reading cluster.meta", rows.error());
    }
    if (rows->size() != 1 || integer_of(rows->front()[0]) != 1) return false;
    if (auto done = (*connection)->run_script(to_version_2, create_limit_ms); !done)
        return io_error("bringing the tables in " + options.database + " to version 2", done.error());
    return true;
}

Result<void, StoreError> create_cluster(const PostgresOptions& options, const std::string& owner,
                                        const std::string& owner_password, std::uint32_t shards) {
    const PostgresInterrupt never;
    const auto connection = connect(as_owner_of(options, owner, owner_password), never);
    if (!connection) return tl::unexpected(connection.error());
    if (auto done = (*connection)->run_script(tables_of(shards, options.user), create_limit_ms); !done) {
        if (done.error().sqlstate == "42P06")
            return tl::unexpected(StoreError{
                StoreError::Kind::version, "the database " + options.database +
                                               " has the tables of a cluster already: nothing was changed"});
        return io_error("creating the tables in " + options.database, done.error());
    }
    return {};
}

Result<ClusterStatus, StoreError> read_cluster(const PostgresOptions& options) {
    const PostgresInterrupt never;
    const auto connection = connect(options, never);
    if (!connection) return tl::unexpected(connection.error());
    ClusterStatus out;
    out.host = (*connection)->host();
    const auto meta = read_ledger_identity(**connection, options.reply_ms);
    if (!meta) return tl::unexpected(meta.error());
    out.ledger = *meta;
    const auto replication = read_replication(**connection, options.reply_ms);
    if (!replication) return tl::unexpected(replication.error());
    out.synchronous_standby_names = replication->synchronous_standby_names;
    auto shards = read_shards(**connection, std::nullopt, options.reply_ms);
    if (!shards) return tl::unexpected(shards.error());
    out.shards = std::move(*shards);
    return out;
}

namespace {

Result<std::optional<std::string>, StoreError> secret_of(PostgresConnection& connection,
                                                         const PostgresOptions& options,
                                                         const std::string& name) {
    PostgresParams params;
    params.text(name);
    auto rows =
        connection.run("select sealed from cluster.secret where name = $1::text", params, options.reply_ms);
    if (!rows) return io_error("reading the secret " + name, rows.error());
    if (rows->empty()) return std::optional<std::string>{};
    return std::move(rows->front().front());
}

}  // namespace

Result<std::optional<std::string>, StoreError> read_secret(const PostgresOptions& options,
                                                           const std::string& name) {
    const PostgresInterrupt never;
    const auto connection = connect(options, never);
    if (!connection) return tl::unexpected(connection.error());
    return secret_of(**connection, options, name);
}

Result<std::string, StoreError> keep_secret(const PostgresOptions& options, const std::string& name,
                                            const std::string& sealed) {
    const PostgresInterrupt never;
    const auto connection = connect(options, never);
    if (!connection) return tl::unexpected(connection.error());
    PostgresParams params;
    params.text(name).bytes(sealed);
    // A warning or a lost connection is an error here: whoever asked begins again, and finds what is stored.
    if (auto stored = (*connection)
                          ->run("insert into cluster.secret(name, sealed) values ($1::text, $2::bytea) "
                                "on conflict (name) do nothing",
                                params, options.reply_ms);
        !stored)
        return io_error("storing the secret " + name, stored.error());
    auto kept = secret_of(**connection, options, name);
    if (!kept) return tl::unexpected(kept.error());
    if (!*kept) return io_error("the secret " + name + " was stored and is not there");
    return std::move(**kept);
}

std::string vault_secret_name(std::uint32_t shard) {
    std::array<char, 16> name{};
    std::snprintf(name.data(), name.size(), "%s.%02u", vault_key_name, shard);
    return name.data();
}

Result<std::optional<std::string>, StoreError> read_vault_secret(const PostgresOptions& options) {
    const PostgresInterrupt never;
    const auto connection = connect(options, never);
    if (!connection) return tl::unexpected(connection.error());
    auto own = secret_of(**connection, options, vault_secret_name(options.shard));
    if (!own || *own) return own;
    return secret_of(**connection, options, vault_key_name);
}

Result<void, StoreError> replace_vault_secret(const PostgresOptions& options, std::uint64_t epoch,
                                              const std::string& before, const std::string& sealed) {
    const std::string name = vault_secret_name(options.shard);
    const PostgresInterrupt never;
    const auto connection = connect(options, never);
    if (!connection) return tl::unexpected(connection.error());
    PostgresParams params;
    params.text(name).bytes(before).bytes(sealed);
    params.int4(static_cast<std::int32_t>(options.shard)).int8(epoch);
    // One statement: an owner that was fenced changes nothing.
    const auto replaced = (*connection)
                              ->run(
                                  "with mine as (select 1 from cluster.shard where id = $4::int and epoch = "
                                  "$5::bigint for share) "
                                  "update cluster.secret set sealed = $3::bytea where name = $1::text and "
                                  "sealed = $2::bytea and exists (select 1 from mine) returning 1",
                                  params, options.reply_ms);
    if (!replaced) {
        if (replaced.error().sqlstate == "42501")
            return io_error("the role " + options.user +
                            " may not change cluster.secret: as the owner of the tables \"grant update, "
                            "delete on cluster.secret to " +
                            options.user + "\"");
        return io_error("storing the secret " + name, replaced.error());
    }
    if (replaced->empty())
        return io_error("the secret " + name + " was changed meanwhile, or the shard has another owner");
    // What every shard has in a row of its own nobody reads any more.
    if (const auto dropped =
            (*connection)
                ->run("delete from cluster.secret where name = '" + std::string(vault_key_name) +
                          "' and not exists (select 1 from cluster.shard s where not exists "
                          "(select 1 from cluster.secret x where x.name = '" +
                          vault_key_name + ".' || lpad(s.id::text, 2, '0')))",
                      {}, options.reply_ms);
        !dropped)
        return io_error("dropping the secret that the cluster began with", dropped.error());
    return {};
}

namespace {

constexpr const char* wait_sql = "select pg_sleep(0.1)::text";  // between two looks
constexpr std::chrono::seconds ready_wait{10};
constexpr std::uint32_t taking_seconds = 30;  // after the owner's end, before others may take it

/// The wish, if the shard is another node's whose lease runs.
Result<ShardRow, StoreError> wish_move(PostgresConnection& connection, const PostgresOptions& options,
                                       const std::string& to, std::uint32_t wait_seconds) {
    PostgresParams params;
    params.int4(static_cast<std::int32_t>(options.shard)).text(to).int8(wait_seconds + taking_seconds);
    const auto wished = connection.run(
        "update cluster.shard set move_to = $2::text, move_ready = false, "
        "move_until = clock_timestamp() + $3::bigint * interval '1 second' where id = $1::int "
        "and owner is not null and owner <> $2::text and lease_until > clock_timestamp() returning epoch",
        params, options.reply_ms);
    if (!wished) return io_error("asking for the move", wished.error());
    auto shards = read_shards(connection, options.shard, options.reply_ms);
    if (!shards) return tl::unexpected(shards.error());
    const std::string shard = "shard " + std::to_string(options.shard);
    if (shards->empty()) return io_error("the cluster has no " + shard);
    ShardRow row = std::move(shards->front());
    if (!wished->empty()) return row;
    if (row.owner == to) return io_error(shard + " is node " + to + "'s already");
    if (row.owner.empty()) return io_error(shard + " is nobody's yet: start node " + to);
    return io_error("no node serves " + shard + " now (the lease of node " + row.owner +
                    " has run out): whoever stands by takes it");
}

void withdraw_move(PostgresConnection& connection, const PostgresOptions& options, const std::string& to) {
    PostgresParams params;
    params.int4(static_cast<std::int32_t>(options.shard)).text(to);
    static_cast<void>(
        connection.run("update cluster.shard set move_to = null, move_ready = false where id = $1::int "
                       "and move_to = $2::text and not move_ready",
                       params, options.reply_ms));
}

}  // namespace

Result<Moved, StoreError> move_shard(const PostgresOptions& options, const std::string& to,
                                     std::uint32_t wait_seconds) {
    const PostgresInterrupt never;
    const auto connection = connect(options, never);
    if (!connection) return tl::unexpected(connection.error());
    if (const auto known = read_ledger_identity(**connection, options.reply_ms); !known)
        return tl::unexpected(known.error());
    const auto begun = std::chrono::steady_clock::now();
    const auto before = wish_move(**connection, options, to, wait_seconds);
    if (!before) return tl::unexpected(before.error());
    for (bool ready = false;;) {
        const auto shards = read_shards(**connection, options.shard, options.reply_ms);
        if (!shards) return tl::unexpected(shards.error());
        const ShardRow& now = shards->front();
        const auto since = std::chrono::steady_clock::now() - begun;
        if (now.owner == to)
            return Moved{before->owner, now.epoch,
                         std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
        ready = ready || now.move_ready;
        if (!ready && since > ready_wait) {
            withdraw_move(**connection, options, to);
            return io_error("node " + to + " does not stand by for shard " + std::to_string(options.shard) +
                            ", or would not take it (its /readyz says why): node " + now.owner + " goes on");
        }
        if (since > std::chrono::seconds(wait_seconds))
            return io_error("node " + to + " has not taken the shard within " + std::to_string(wait_seconds) +
                            " s: it is node " + now.owner + "'s, " +
                            (now.lease_left_ms > 0 ? "which has not ended yet" : "whose lease is over"));
        if (const auto waited = (*connection)->run(wait_sql, {}, options.reply_ms); !waited)
            return io_error("waiting for the move, which may still come about (cluster status tells)",
                            waited.error());
    }
}

}  // namespace ledger
