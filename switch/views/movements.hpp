// Movements: what moved merchants' money in a business day (sales, voids, reversals, refunds, chargebacks,
// and each of them taken back), counted from the postings of the ledger's records, so that every way of
// grouping adds up to the same.
//
// Thread: any; pure over the snapshot. Errors: a sentence. Bounds: report_records_max.
#pragma once

#include <map>
#include <string>

#include "ledger/totals.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer {

/// A transaction may move money long after its day (a reversal before its batch is settled, a refund that was
/// abnormal): records of so many days before the business day began are read as well, as far as
/// report_records_max allows. What older ones moved shows in the accounts alone.
inline constexpr std::int32_t movement_days_back = 31;

/// Why, of a refund; empty where none was given, and of all else.
std::string refund_reason(const ledger::TransactionRecord& record);

struct Movements {
    /// By group (a route's name, a merchant, a terminal, an instrument, a refund's reason) and kind, each
    /// with its count and its amount, which is never negative.
    std::map<std::pair<std::string, std::string>, ledger::Total> rows;
    iso8583::Date read_from;  // the oldest date whose records were all read
    /// What merchants are owed by all rows: sales and what was taken back of the others, less the others.
    std::int64_t payable_minor = 0;
};
iso8583::Result<Movements> movements_of(const ViewContext& context, TotalsBy by, iso8583::BusinessDate day);

}  // namespace acquirer
