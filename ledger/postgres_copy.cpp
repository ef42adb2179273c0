#include "ledger/postgres_copy.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "iso8583/values/ensure.hpp"
#include "ledger/postgres_sql.hpp"

namespace ledger {

using iso8583::Result;

namespace {

// A copy that is further behind is filled anew: that is one pass over the tables, and bounded memory.
constexpr std::uint64_t tail_turns_max = 20'000;
constexpr std::size_t seed_batch_bytes = std::size_t{4} << 20;
// Sorting and first reading of a large table take their time.
constexpr std::uint32_t copy_silence_ms = 60'000;

// Of the log of keys and of rows, so many answer within a reply's time on the slowest of networks.
constexpr std::size_t turns_a_reply = 1'000, rows_a_reply = 10'000;

/// How long a server may need for so many of them. One that falls silent within a read must not keep a
/// standby from looking for another.
std::uint32_t limit_ms(std::size_t count, std::size_t in_one_reply, const PostgresOptions& options) {
    const std::uint64_t replies = 1 + count / in_one_reply;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(copy_silence_ms, replies * options.reply_ms));
}

tl::unexpected<StoreError> failed(const std::string& doing, const PostgresError& why) {
    return tl::unexpected(StoreError{StoreError::Kind::io, doing + ": " + why.what});
}

tl::unexpected<StoreError> lost(const std::string& what) {
    return tl::unexpected(
        StoreError{StoreError::Kind::corruption, "acknowledged work was lost on PostgreSQL: " + what});
}

const char* table_of(Family family) { return family == Family::journal ? ".journal" : ".idx"; }

}  // namespace

Result<std::unique_ptr<PostgresCopy>, StoreError> PostgresCopy::open(const RocksStoreOptions& copy,
                                                                     const PostgresOptions& options) {
    std::unique_ptr<PostgresCopy> out(new PostgresCopy(copy, options));
    if (auto opened = out->reopen(); !opened) return tl::unexpected(opened.error());
    auto mark = out->tables_->copy_mark();
    if (!mark) return tl::unexpected(mark.error());
    if (*mark) out->mark_ = **mark;
    return out;
}

Result<void, StoreError> PostgresCopy::reopen() {
    auto tables = RocksTables::open_copy(copy_options_);
    if (!tables) return tl::unexpected(tables.error());
    tables_ = std::move(*tables);
    return {};
}

Result<void, StoreError> PostgresCopy::apply(const Batch& batch, std::uint64_t epoch) {
    ENSURE(batch.turn_number == mark_.turn + 1);
    CopyMark next = mark_;
    next.epoch = epoch;
    next.turn = batch.turn_number;
    if (auto applied = tables_->apply_copied(batch.mutations, next); !applied) return applied;
    mark_ = next;
    return {};
}

Result<void, StoreError> PostgresCopy::follow(PostgresConnection& connection) {
    const auto run = [&](const char* sql) { return connection.run_script(sql, options_.reply_ms); };
    if (auto begun = run("begin isolation level repeatable read read only"); !begun)
        return failed("beginning to read the shard", begun.error());
    const auto read = follow_in_snapshot(connection);
    // What failed inside leaves a transaction that only its end mends; the first error is what counts.
    const auto ended = run("rollback");
    if (!read) return tl::unexpected(read.error());
    if (!ended) return failed("reading the shard", ended.error());
    if (!*read) return {};
    // Who writes several turns at once does not wait for the standby with each: they are seen before they are
    // durable, and a server's death may take them back.
    if (const auto durable = connection.run(marker_sql, {}, options_.reply_ms); !durable)
        return failed("waiting until what was read is durable", durable.error());
    if (auto applied = tables_->apply_copied((*read)->mutations, (*read)->mark); !applied) return applied;
    mark_ = (*read)->mark;
    return {};
}

PostgresCopy::MaybeRead PostgresCopy::follow_in_snapshot(PostgresConnection& connection) {
    const auto ledger = read_ledger_identity(connection, options_.reply_ms);
    if (!ledger) return tl::unexpected(ledger.error());
    const auto shards = read_shards(connection, options_.shard, options_.reply_ms);
    if (!shards) return tl::unexpected(shards.error());
    if (shards->empty())
        return tl::unexpected(StoreError{StoreError::Kind::version,
                                         "the cluster has no shard " + std::to_string(options_.shard)});
    const std::uint64_t turn = shards->front().turn;
    const bool is_new = mark_.ledger.empty();
    if (!is_new && mark_.ledger != *ledger)
        return tl::unexpected(StoreError{StoreError::Kind::version,
                                         "the copy in " + copy_options_.directory +
                                             " is of another ledger than the one in database " +
                                             options_.database + ": remove it if it is not needed any more"});
    if (mark_.whole && mark_.turn > turn)
        return lost("the copy in " + copy_options_.directory + " holds turn " + std::to_string(mark_.turn) +
                    ", shard " + std::to_string(options_.shard) + " ends with turn " + std::to_string(turn));
    if (mark_.whole) {
        auto tailed = tail(connection, turn);
        if (!tailed) return tailed;
        if (*tailed) {
            if ((*tailed)->mark.turn == mark_.turn) return std::optional<Read>{};
            return tailed;
        }
    }
    return seed(connection, CopyMark{*ledger, 0, turn, false});
}

PostgresCopy::MaybeRead PostgresCopy::tail(PostgresConnection& connection, std::uint64_t to_turn) {
    if (to_turn - mark_.turn > tail_turns_max) return std::optional<Read>{};
    PostgresParams params;
    params.int8(mark_.turn);
    const std::string schema = shard_schema(options_.shard);
    const auto turns = connection.run(
        "select turn, epoch, keys from " + schema + ".turns where turn >= $1::bigint order by turn", params,
        limit_ms(to_turn - mark_.turn, turns_a_reply, options_));
    if (!turns) return failed("reading the log of keys", turns.error());
    std::set<Key> keys;
    CopyMark next = mark_;
    // The first is what is here already: it must be the one that is there. Turn 0 has no row.
    std::uint64_t expected = mark_.turn == 0 ? 1 : mark_.turn;
    for (const PostgresRow& row : *turns) {
        const auto turn = static_cast<std::uint64_t>(integer_of(row[0]));
        const auto epoch = static_cast<std::uint64_t>(integer_of(row[1]));
        if (turn != expected) return std::optional<Read>{};
        ++expected;
        if (turn == mark_.turn) {
            if (epoch != mark_.epoch)
                return lost("turn " + std::to_string(turn) + " is that of epoch " + std::to_string(epoch) +
                            ", the copy in " + copy_options_.directory + " has that of epoch " +
                            std::to_string(mark_.epoch));
            continue;
        }
        const auto of_turn = parse_keys_record(row[2].value_or(std::string()));
        if (!of_turn)
            return tl::unexpected(StoreError{StoreError::Kind::corruption,
                                             "the log of keys is damaged at turn " + std::to_string(turn)});
        keys.insert(of_turn->begin(), of_turn->end());
        next.turn = turn;
        next.epoch = epoch;
    }
    if (expected != to_turn + 1) return std::optional<Read>{};
    if (next.turn == mark_.turn) return Read{{}, next};

    Mutations mutations;
    for (const Family family : {Family::journal, Family::index}) {
        std::vector<std::string_view> wanted;
        for (const Key& key : keys)
            if (key.family == family) wanted.push_back(key.bytes);
        PostgresParams of_family;
        of_family.bytes_array(wanted);
        auto rows = connection.run(
            "select key, value from " + schema + table_of(family) + " where key = any($1::bytea[])",
            of_family, limit_ms(wanted.size(), rows_a_reply, options_));
        if (!rows) return failed("reading what the turns wrote", rows.error());
        // Erased first, so that a key that is not there any more goes.
        for (const std::string_view key : wanted)
            mutations.push_back({{family, std::string(key)}, std::nullopt});
        for (PostgresRow& row : *rows)
            mutations.push_back({{family, std::move(*row[0])}, std::move(*row[1])});
    }
    return Read{std::move(mutations), next};
}

PostgresCopy::MaybeRead PostgresCopy::seed(PostgresConnection& connection, const CopyMark& to) {
    if (!mark_.ledger.empty()) {  // something of ours is here, and not what is wanted
        tables_.reset();
        std::error_code error;
        std::filesystem::remove_all(copy_options_.directory, error);
        if (error)
            return tl::unexpected(
                StoreError{StoreError::Kind::io, copy_options_.directory + ": " + error.message()});
        mark_ = {};
        if (auto opened = reopen(); !opened) return tl::unexpected(opened.error());
    }
    CopyMark filling = to;
    if (auto marked = tables_->apply_copied({}, filling); !marked) return tl::unexpected(marked.error());
    mark_ = filling;
    ++seeds_;
    for (const Family family : {Family::journal, Family::index})
        if (auto filled = seed_family(connection, family, filling); !filled)
            return tl::unexpected(filled.error());
    if (to.turn > 0) {
        PostgresParams params;
        params.int8(to.turn);
        const auto rows = connection.run(
            "select epoch from " + shard_schema(options_.shard) + ".turns where turn = $1::bigint", params,
            options_.reply_ms);
        if (!rows) return failed("reading the log of keys", rows.error());
        if (rows->empty())
            return tl::unexpected(
                StoreError{StoreError::Kind::corruption,
                           "the log of keys has no row of the last turn " + std::to_string(to.turn)});
        filling.epoch = static_cast<std::uint64_t>(integer_of(rows->front().front()));
    }
    filling.whole = true;
    return Read{{}, filling};
}

Result<void, StoreError> PostgresCopy::seed_family(PostgresConnection& connection, Family family,
                                                   const CopyMark& filling) {
    Mutations mutations;
    std::size_t bytes = 0;
    std::optional<StoreError> error;
    const auto apply = [&] {
        if (error) return;
        if (auto applied = tables_->apply_copied(mutations, filling); !applied) error = applied.error();
        mutations.clear();
        bytes = 0;
    };
    const auto copied =
        connection.copy_out("select key, value from " + shard_schema(options_.shard) + table_of(family), 2,
                            copy_silence_ms, [&](std::vector<std::string> row) {
                                bytes += row[0].size() + row[1].size();
                                mutations.push_back({{family, std::move(row[0])}, std::move(row[1])});
                                if (bytes >= seed_batch_bytes) apply();
                            });
    apply();
    if (!copied) return failed("filling the copy", copied.error());
    if (error) return tl::unexpected(std::move(*error));
    return {};
}

}  // namespace ledger
