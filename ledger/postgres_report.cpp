#include "ledger/postgres_report.hpp"

#include <array>

#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_copy.hpp"

namespace ledger {

using iso8583::Result;

namespace {

constexpr std::uint32_t limit_ms = 60'000;

/// "a" and its type, as JSON gives it; `from` when the column is made of another: a time of milliseconds.
struct Column {
    std::string_view name, type;
};

// clang-format off
constexpr std::array transactions_columns{
    Column{"rrn", "text"}, Column{"kind", "text"}, Column{"state", "text"}, Column{"business_date", "date"},
    Column{"created_at", "timestamptz"}, Column{"updated_at", "timestamptz"}, Column{"merchant", "text"},
    Column{"terminal", "text"}, Column{"batch", "text"}, Column{"trace", "text"}, Column{"amount", "numeric"},
    Column{"currency", "text"}, Column{"instrument", "text"}, Column{"pan_masked", "text"},
    Column{"order_number", "text"}, Column{"route", "text"}, Column{"response_code", "text"},
    Column{"authorization_code", "text"}, Column{"original_rrn", "text"}, Column{"refunded_amount", "numeric"},
    Column{"refunds", "int"}, Column{"reason", "text"}, Column{"reference", "text"}, Column{"maker", "text"},
    Column{"checker", "text"}};
constexpr std::array postings_columns{
    Column{"id", "text"}, Column{"business_date", "date"}, Column{"rrn", "text"}, Column{"debit_account", "text"},
    Column{"debit_party", "text"}, Column{"credit_account", "text"}, Column{"credit_party", "text"},
    Column{"amount", "numeric"}, Column{"currency", "text"}};
constexpr std::array exceptions_columns{
    Column{"id", "text"}, Column{"rrn", "text"}, Column{"opened_at", "timestamptz"}, Column{"kind", "text"},
    Column{"rule", "text"}, Column{"owner", "text"}, Column{"subject", "text"}, Column{"what", "text"},
    Column{"alarm", "boolean"}, Column{"repeats", "int"}, Column{"resolution", "text"},
    Column{"resolved_by", "text"}};
// clang-format on

template <std::size_t n>
std::string table_sql(const char* name, const std::array<Column, n>& columns) {
    std::string sql = std::string("create table report.") + name + "(";
    for (const Column& c : columns)
        sql += (c.name == columns[0].name ? "" : ", ") + std::string(c.name) + " " + std::string(c.type);
    return sql + ", primary key (" + std::string(columns[0].name) + "));\n";
}

template <std::size_t n>
std::string put_sql(const char* name, const std::array<Column, n>& columns) {
    std::string names, typed, sets;
    for (const Column& c : columns) {
        const std::string comma = names.empty() ? "" : ", ";
        names += comma + std::string(c.name);
        typed += comma + std::string(c.name) + " " + std::string(c.type);
        sets += comma + std::string(c.name) + " = excluded." + std::string(c.name);
    }
    return std::string("with put as (insert into report.") + name + " as t (" + names + ") select " + names +
           " from jsonb_to_recordset($1::text::jsonb) as x(" + typed + ") on conflict (" +
           std::string(columns[0].name) + ") do update set " + sets +
           " where (t.*) is distinct from (excluded.*) returning 1) select count(*) from put";
}

const std::string& put_sql_of(ReportTable table) {
    static const std::array<std::string, 3> all{put_sql("transactions", transactions_columns),
                                                put_sql("postings", postings_columns),
                                                put_sql("exceptions", exceptions_columns)};
    return all.at(static_cast<std::size_t>(table));
}

std::string schema_sql() {
    return "create schema report;\n"
           "create table report.meta(version int not null, ledger text not null, turn bigint not null, "
           "exported_at timestamptz not null);\n" +
           table_sql("transactions", transactions_columns) + table_sql("postings", postings_columns) +
           table_sql("exceptions", exceptions_columns) +
           "create index on report.transactions(business_date);\n"
           "create index on report.transactions(original_rrn) where original_rrn is not null;\n"
           "create index on report.postings(business_date);\n"
           "create view report.refunds as select r.rrn, r.state, r.business_date, r.created_at, r.merchant, "
           "r.terminal, r.route, r.instrument, r.pan_masked, r.amount, r.currency, r.reason, r.reference, "
           "r.maker, "
           "r.checker, r.original_rrn as sale_rrn, s.amount as sale_amount, s.refunded_amount as "
           "sale_refunded, "
           "r.business_date - s.business_date as days_after_sale "
           "from report.transactions r left join report.transactions s on s.rrn = r.original_rrn "
           "where r.kind = 'refund';\n"
           "create view report.totals_per_day as select business_date, merchant, route, instrument, kind, "
           "state, "
           "currency, count(*) as transactions, sum(amount) as amount from report.transactions "
           "group by business_date, merchant, route, instrument, kind, state, currency;\n"
           "create view report.balances_per_day as select business_date, account, party, currency, "
           "sum(amount) as balance, count(*) as postings from ("
           "select business_date, debit_account as account, debit_party as party, currency, amount "
           "from report.postings union all "
           "select business_date, credit_account, credit_party, currency, -amount from report.postings) as p "
           "group by business_date, account, party, currency;\n";
}

tl::unexpected<StoreError> failed(const std::string& doing, const PostgresError& why) {
    return tl::unexpected(StoreError{StoreError::Kind::io, doing + ": " + why.what});
}
tl::unexpected<StoreError> refused(std::string what) {
    return tl::unexpected(StoreError{StoreError::Kind::version, std::move(what)});
}

/// The schema as it is there; made where it is not.
Result<void, StoreError> find_schema(PostgresConnection& connection, const std::string& ledger,
                                     std::uint64_t turn) {
    // One export at a time: the others wait, and then find what this one wrote.
    const auto there = connection.run(
        "select count(*) from pg_namespace, pg_advisory_xact_lock(hashtext('report')) where nspname = "
        "'report'",
        {}, limit_ms);
    if (!there) return failed("looking for the schema report", there.error());
    if (integer_of(there->front().front()) == 0) {
        if (auto made = connection.run_script(schema_sql(), limit_ms); !made)
            return failed("making the schema report", made.error());
        PostgresParams params;
        params.int4(report_schema_version).text(ledger).int8(turn);
        if (const auto rows = connection.run(
                "insert into report.meta values ($1::int, $2::text, $3::bigint, clock_timestamp())", params,
                limit_ms);
            !rows)
            return failed("writing report.meta", rows.error());
        return {};
    }
    const auto meta = connection.run("select version, ledger, turn from report.meta", {}, limit_ms);
    if (!meta) return failed("reading report.meta", meta.error());
    if (meta->size() != 1) return refused("report.meta has " + std::to_string(meta->size()) + " rows, not 1");
    const PostgresRow& row = meta->front();
    if (integer_of(row[0]) != report_schema_version)
        return refused("the schema report has version " + std::to_string(integer_of(row[0])) +
                       ", this program knows " + std::to_string(report_schema_version) +
                       " only: drop it, it is filled again");
    if (row[1].value_or("") != ledger)
        return refused("the schema report holds another ledger (" + row[1].value_or("") + "), this is " +
                       ledger);
    if (static_cast<std::uint64_t>(integer_of(row[2])) > turn)
        return refused("the schema report is of turn " + std::to_string(integer_of(row[2])) +
                       " already, what is to be exported ends with turn " + std::to_string(turn));
    PostgresParams params;
    params.int8(turn);
    if (const auto rows = connection.run(
            "update report.meta set turn = $1::bigint, exported_at = clock_timestamp()", params, limit_ms);
        !rows)
        return failed("writing report.meta", rows.error());
    return {};
}

}  // namespace

PostgresReport::PostgresReport(std::unique_ptr<PostgresInterrupt> interrupt,
                               std::unique_ptr<PostgresConnection> connection)
    : interrupt_(std::move(interrupt)), connection_(std::move(connection)) {}
PostgresReport::~PostgresReport() = default;

Result<std::unique_ptr<PostgresReport>, StoreError> PostgresReport::begin(const PostgresOptions& to,
                                                                          const std::string& ledger,
                                                                          std::uint64_t turn) {
    auto interrupt = std::make_unique<PostgresInterrupt>();
    std::size_t first = 0;
    auto connection = PostgresConnection::open(to, first, *interrupt);
    if (!connection) return tl::unexpected(StoreError{StoreError::Kind::io, connection.error().what});
    if (auto begun = (*connection)->run_script("begin", limit_ms); !begun)
        return failed("beginning", begun.error());
    if (auto found = find_schema(**connection, ledger, turn); !found) return tl::unexpected(found.error());
    return std::unique_ptr<PostgresReport>(new PostgresReport(std::move(interrupt), std::move(*connection)));
}

Result<void, StoreError> PostgresReport::put(ReportTable table, const std::string& rows_json,
                                             std::uint64_t rows) {
    PostgresParams params;
    params.text(rows_json);
    const auto put = connection_->run(put_sql_of(table), params, limit_ms);
    if (!put) return failed("writing into the schema report", put.error());
    done_.rows += rows;
    done_.changed += static_cast<std::uint64_t>(integer_of(put->front().front()));
    return {};
}

Result<ReportDone, StoreError> PostgresReport::commit() {
    if (auto done = connection_->run_script("commit", limit_ms); !done)
        return failed("committing the export", done.error());
    return done_;
}

Result<std::unique_ptr<PostgresCopy>, StoreError> followed_copy(const PostgresOptions& options,
                                                                const RocksStoreOptions& copy_options) {
    auto copy = PostgresCopy::open(copy_options, options);
    if (!copy) return tl::unexpected(copy.error());
    const PostgresInterrupt never;
    std::size_t first = 0;
    auto connection = PostgresConnection::open(options, first, never);
    if (!connection) return tl::unexpected(StoreError{StoreError::Kind::io, connection.error().what});
    if (auto followed = (*copy)->follow(**connection); !followed) return tl::unexpected(followed.error());
    return copy;
}

}  // namespace ledger
