// ReconBooks: the records of reconciliation (recon_records.hpp) over the turn's overlay. An entry that is not
// at its end stands in a list of its own as well, which only save() keeps.
//
// Ownership: refers to the ledger, whose error() a failed read becomes. Thread: the core's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.hpp"
#include "ledger/recon_records.hpp"
#include "ledger/retention_records.hpp"

namespace ledger {

class ReconBooks {
  public:
    explicit ReconBooks(Ledger& ledger) : ledger_(ledger) {}

    [[nodiscard]] std::optional<IssuerFileRecord> file(std::string_view sha256, std::uint16_t route);
    /// All of them, by their numbers.
    [[nodiscard]] std::vector<IssuerFileRecord> files();
    void save(const IssuerFileRecord& file);

    [[nodiscard]] std::optional<ReconEntry> entry(iso8583::BusinessDate day, std::uint16_t route,
                                                  std::string_view ref);
    void save(const ReconEntry& entry);
    /// Calls visit for each open entry's key behind `after` (empty: from the first) until it says false.
    void visit_open(std::string_view after, const std::function<bool(std::string_view key)>& visit);
    /// The open entries of that name.
    [[nodiscard]] std::vector<ReconEntry> open_entries(std::string_view ref);

    [[nodiscard]] std::optional<ReconDayRecord> day(iso8583::BusinessDate day);
    [[nodiscard]] std::vector<ReconDayRecord> days();
    void save(const ReconDayRecord& day);

    /// By which retention let go of the day's transactions, or of what issuers say of them.
    [[nodiscard]] std::optional<PurgeLogEntry> purge_of(iso8583::BusinessDate day);

    /// All business days that began, oldest first.
    [[nodiscard]] std::vector<BusinessDayRecord> business_days();
    /// Calls visit for each transaction's record in the range, as it stands in the overlay, until it says
    /// false. What this turn has changed and not yet written is as it was before.
    void visit_transactions(const KeyRange& range, const ScanVisitor& visit);

  private:
    Ledger& ledger_;
};

}  // namespace ledger
