// Schema `report`: transactions, postings and exceptions as typed columns, and views of them, for people who
// ask with SQL (docs/cluster.md, "People's SQL"). One export is one transaction: whoever asks sees the state
// of one turn, and an export that is cut short leaves the one before.
//
// Thread: the caller's; blocks. Errors: a sentence.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "iso8583/values/result.hpp"
#include "ledger/postgres_options.hpp"
#include "ledger/rocks_store.hpp"

namespace ledger {

class PostgresConnection;
class PostgresCopy;
class PostgresInterrupt;

inline constexpr std::int32_t report_schema_version = 1;

// Names of tables are report_table_name()'s.
enum class ReportTable : std::uint8_t { transactions, postings, exceptions };

/// What stood in the schema before, and how many rows an export changed.
struct ReportDone {
    std::uint64_t rows = 0;     // that were given
    std::uint64_t changed = 0;  // that were new or other than before
};

class PostgresReport {
  public:
    /// Connects, makes the schema where there is none, and begins. `ledger`: of which one the report is, by a
    /// name that stays; `turn`: up to which it is known. `version` when what is there is of another ledger,
    /// of a later turn, or of a program with another schema.
    static iso8583::Result<std::unique_ptr<PostgresReport>, StoreError> begin(const PostgresOptions& to,
                                                                              const std::string& ledger,
                                                                              std::uint64_t turn);
    ~PostgresReport();
    PostgresReport(const PostgresReport&) = delete;
    PostgresReport& operator=(const PostgresReport&) = delete;

    /// A JSON array of objects with the table's columns; rows of the same key are replaced.
    iso8583::Result<void, StoreError> put(ReportTable table, const std::string& rows_json,
                                          std::uint64_t rows);
    iso8583::Result<ReportDone, StoreError> commit();

  private:
    PostgresReport(std::unique_ptr<PostgresInterrupt> interrupt,
                   std::unique_ptr<PostgresConnection> connection);

    const std::unique_ptr<PostgresInterrupt> interrupt_;
    const std::unique_ptr<PostgresConnection> connection_;
    ReportDone done_;
};

/// A copy of the shard in `copy.directory`, brought up to its last turn: what a standby has, of one's own.
/// One process at a time.
iso8583::Result<std::unique_ptr<PostgresCopy>, StoreError> followed_copy(const PostgresOptions& options,
                                                                         const RocksStoreOptions& copy);

}  // namespace ledger
