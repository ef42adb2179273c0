// Reports: what operators look at to see how refunds go, as pure functions over a store snapshot. Each names
// what it covers (`from`, `to`, `records_read`) and says so in a sentence (`note`) when that is less than
// what was asked for; its rows end at `limit`, and a sentence says how many there are.
//
// Thread: any (a worker's). Errors: a sentence; an unknown day, merchant or route is one. Bounds:
// report_records_max records, report_groups_max groups. Shapes: docs/refundctl.md, "Reports".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "switch/views/operator_views.hpp"

namespace acquirer {

/// Days of a report that names none: those of R28's ratio.
inline constexpr std::int32_t report_days_default = 30;
/// Groups that are told apart; what comes beyond is counted together.
inline constexpr std::size_t report_groups_max = 10'000;
inline constexpr std::int32_t expiring_days_default = 7;

/// Refunds by the reason that was given for them, and why others were refused.
ViewResult view_report_reasons(const ViewContext& context, const ListQuery& query);

enum class RatioBy : std::uint8_t { merchant, terminal, day };
/// Refunds against sales, by count and amount, beside the bound that R28 holds them to.
ViewResult view_report_ratio(const ViewContext& context, const ListQuery& query, RatioBy by);

/// Sales that could still be refunded and whose window ends within so many business days, the current one
/// included.
ViewResult view_report_expiring(const ViewContext& context, const ListQuery& query, std::int32_t days);

/// What waits for people, or for issuers, by how long: exceptions, cases, abnormal, parked and stuck ones,
/// advices, proposals, disputes; the oldest of each with the command that leads out.
ViewResult view_report_ageing(const ViewContext& context, const ListQuery& query);

/// How many transactions of a kind reached each state, where they went from it, and how long they stood
/// there.
ViewResult view_report_funnel(const ViewContext& context, const ListQuery& query,
                              ledger::TransactionKind kind);

}  // namespace acquirer
