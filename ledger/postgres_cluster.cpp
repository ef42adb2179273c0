#include "ledger/postgres_cluster.hpp"

#include <array>
#include <cstdio>

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
        "  stan_to int not null default 999999, config_hash text) with (fillfactor=10);\n"
        "create table cluster.secret(name text primary key, sealed bytea not null);\n";
    for (std::uint32_t shard = 0; shard < shards; ++shard) sql += shard_tables(shard);
    const std::string to = " to " + quoted(user) + ";\n";
    sql += "grant usage on schema cluster" + to + "grant select on cluster.meta" + to +
           "grant select, update on cluster.shard" + to + "grant select, insert on cluster.secret" + to;
    for (std::uint32_t shard = 0; shard < shards; ++shard)
        sql += "grant usage on schema " + shard_schema(shard) + to +
               "grant select, insert, update, delete on all tables in schema " + shard_schema(shard) + to;
    return sql + "commit;\n";
}

}  // namespace

std::string shard_schema(std::uint32_t shard) {
    std::array<char, 16> name{};
    std::snprintf(name.data(), name.size(), "shard_%02u", shard);
    return name.data();
}

Result<void, StoreError> create_cluster(const PostgresOptions& options, const std::string& owner,
                                        const std::string& owner_password, std::uint32_t shards) {
    const PostgresInterrupt never;
    PostgresOptions as_owner = options;
    if (!owner.empty()) {
        as_owner.user = owner;
        as_owner.password = owner_password;
    }
    const auto connection = connect(as_owner, never);
    if (!connection) return tl::unexpected(connection.error());
    if (auto done = (*connection)->run_script(tables_of(shards, options.user), create_limit_ms); !done) {
        if (done.error().sqlstate == "42P06")
            return io_error("the database " + options.database +
                            " has the tables of a cluster already: nothing was changed");
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

}  // namespace ledger
