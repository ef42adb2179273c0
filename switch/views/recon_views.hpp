// What operators may read of reconciliation (R101): issuers' files, compared days, differences, the report of
// a day. Pure functions over a snapshot, as operator_views.hpp. Shapes: docs/refundctl.md, "Reconciliation".
//
// Bounds: report_differences_max in a report, whose sums are of all; lists by their limit.
#pragma once

#include <optional>
#include <string>

#include "switch/views/list_query.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer {

/// Differences that a report names; it says when there are more.
inline constexpr std::size_t report_differences_max = 1'000;

/// Files that were imported, newest first, and the days that were compared.
ViewResult view_recon_files(const ViewContext& context, const ListQuery& query);
/// One of them, with its bad lines and how far it is.
ViewResult view_recon_file(const ViewContext& context, std::uint32_t number);
/// How far the comparison of a day is.
ViewResult view_recon_day(const ViewContext& context, iso8583::BusinessDate day);
/// What the files and we say of transactions: the open differences, or those of a status ("all": of every
/// one).
ViewResult view_recon_list(const ViewContext& context, const ListQuery& query);
/// Counts and sums of a day by route and merchant, its differences, and what of it is complete. Nothing: the
/// newest day that was compared.
ViewResult view_recon_report(const ViewContext& context, std::optional<iso8583::BusinessDate> day);
/// "reconciled", "mismatch" and in which file; empty when nothing was compared (`show`).
iso8583::Result<std::string> reconciliation_of(const ViewContext& context,
                                               const ledger::TransactionRecord& record);

}  // namespace acquirer
