// The format of the records in a store, as one number, and the bounded job that brings an older one to this
// program's. The marker says which format a store has and how far a migration has come; its first bytes stay
// as they are for ever, so that any program can tell that a store is too new for it. Bytes:
// docs/ledger_format.md, "Formats".
//
// Owner: whoever opens the store, before anything listens. Thread: the core's. Errors: `version` for a format
// that this program does not know, `corruption` for a record it cannot read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/store.hpp"

namespace ledger {

/// What this program writes. Additional properties of records are no new format.
inline constexpr std::uint32_t format_version = 2;

struct FormatMarker {
    std::uint32_t format = format_version;
    std::uint32_t migrating_to = 0;   // 0: no migration is under way
    Family family = Family::journal;  // of the last key that was migrated
    std::string position;             // that key; empty: none yet
};
/// In `journal`.
std::string format_key();
std::string encode(const FormatMarker& marker);

/// What the store's marker says; nothing for a new store, format 1 for records without a marker.
iso8583::Result<std::optional<FormatMarker>, StoreError> stored_format(const StoreReader& store);

/// What a migration did, over all of its batches of this run.
struct FormatMigrationReport {
    std::uint32_t from = 0;
    std::uint64_t records = 0;  // written anew
    std::uint64_t batches = 0;
};

/// Makes the batches of a migration, one after the other: each holds records in the new form and the marker
/// with the position behind them, so that a crash between two of them costs nothing.
class FormatMigration {
  public:
    /// Bounds of one batch.
    static constexpr std::size_t keys_max = 4'096;
    static constexpr std::size_t value_bytes_max = 4U << 20;

    /// `from` is what stored_format() found; the store must outlive the migration.
    FormatMigration(const Store& store, FormatMarker from, std::size_t keys_a_batch = keys_max);
    [[nodiscard]] bool done() const { return marker_.migrating_to == 0; }
    /// The next batch, to be committed before the one after it is asked for.
    [[nodiscard]] iso8583::Result<Batch, StoreError> next_batch();
    [[nodiscard]] const FormatMigrationReport& report() const { return report_; }

  private:
    const Store& store_;
    FormatMarker marker_;
    std::size_t keys_a_batch_;
    FormatMigrationReport report_;
};

/// Brings the store to this program's format. `commit` makes a batch durable and waits for it. Nothing when
/// there was nothing to do. Refuses a newer format with a sentence that names both numbers.
iso8583::Result<std::optional<FormatMigrationReport>, StoreError> migrate_to_current_format(
    const Store& store, const std::function<iso8583::Result<void, StoreError>(Batch)>& commit);

}  // namespace ledger
