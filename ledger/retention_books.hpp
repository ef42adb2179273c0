// RetentionBooks: takes out of the ledger what retention lets go: a transaction with all that leads to it,
// its card number, the key of an answered request. What a purged transaction had put into sums stays in sums
// of its own, so that totals go on being the fold of what is stored and what was purged
// (docs/ledger_format.md, "Retention").
//
// Ownership: refers to the ledger, whose error() a failed read becomes. Thread: the core's. flush() writes
// what the calls before it have gathered; in the same turn as they.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ledger/ledger.hpp"
#include "ledger/retention_records.hpp"

namespace ledger {

class RetentionBooks {
  public:
    explicit RetentionBooks(Ledger& ledger) : ledger_(ledger) {}

    [[nodiscard]] std::optional<RetentionState> state();
    void save(const RetentionState& state);
    [[nodiscard]] const StoreReader& store() const { return ledger_.overlay_; }
    void fail(StoreError error) {
        if (!ledger_.error_) ledger_.error_ = std::move(error);
    }
    [[nodiscard]] bool failed() const { return ledger_.error_.has_value(); }

    /// The turn under way has changed it: what the overlay says of it is old.
    [[nodiscard]] bool is_changed(const iso8583::Rrn& rrn) const { return ledger_.records_.is_changed(rrn); }
    /// With its trace entries, closed exceptions and index entries. ENSUREs that it is at its end.
    void erase(const TransactionRecord& record);
    /// Of the record alone; false when it has none.
    bool erase_card_number(const TransactionRecord& record, iso8583::BusinessDate today);
    /// The entries of its slots; false when there are none any more.
    bool erase_requests(const TransactionRecord& record);
    void erase(Family family, std::string key) { ledger_.overlay_.erase(family, std::move(key)); }

    void wait(RetentionFamily family, iso8583::BusinessDate again, const iso8583::Rrn& rrn) {
        ledger_.overlay_.put(Family::journal, retention_waiting_key(family, again, rrn), "");
    }
    /// One of the family went.
    void log(RetentionFamily family, const std::string& name, iso8583::BusinessDate of);
    void flush(iso8583::BusinessDate today, iso8583::UtcTime at, const std::string& by);

  private:
    void add_to_sums(const TransactionRecord& record);
    void erase_exceptions(const iso8583::Rrn& rrn);
    void erase_index_entries(const TransactionRecord& record);
    bool erase_from_slot(const std::string& slot_key, const iso8583::Rrn& rrn);

    Ledger& ledger_;
    std::map<std::string, Total> sums_;                // to be added
    std::map<RetentionFamily, PurgeLogEntry> logged_;  // the same
};

}  // namespace ledger
