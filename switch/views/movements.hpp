// Movements: what moved merchants' money in a business day (sales, voids, reversals, refunds, and each of
// them taken back), counted from the postings of the ledger's records, so that every way of grouping adds up
// to the same.
//
// Thread: any; pure over the snapshot. Errors: a sentence. Bounds: records_read_max.
#pragma once

#include <map>
#include <string>

#include "ledger/totals.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer {

/// A transaction may move money long after its day (a reversal before its batch is settled): records of so
/// many days before the business day began are read as well, as far as records_read_max allows.
inline constexpr std::int32_t movement_days_back = 31;

/// Rows by group (a route's name, a merchant, a terminal, an instrument) and kind, each with its count and
/// its amount, which is never negative. A merchant is owed sales and what was taken back of the others, minus
/// the others.
using MovementRows = std::map<std::pair<std::string, std::string>, ledger::Total>;
iso8583::Result<MovementRows> movements_of(const ViewContext& context, TotalsBy by,
                                           iso8583::BusinessDate day);

}  // namespace acquirer
