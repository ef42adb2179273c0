// What people read of retention: what would go now, and what went (docs/refundctl.md, "purge"). Over a
// snapshot, as operator_views.hpp.
#pragma once

#include <string>

#include "switch/views/operator_views.hpp"

namespace acquirer {

/// Records that one look at what would go reads; beyond, the answer says that it is not complete.
inline constexpr std::size_t purge_records_read_max = 1'000'000;

/// A row for each family: how long it is kept, how much of it would go, from when, and what keeps the rest of
/// what is as old.
ViewResult view_purge_show(const ViewContext& context, const ListQuery& query);
/// What went, by business day and family, newest first.
ViewResult view_purge_log(const ViewContext& context, const ListQuery& query);
/// For what is not found: that transactions of its day were purged, as the end of a sentence; else empty.
std::string purged_words(const ViewContext& context, const iso8583::Rrn& rrn);

}  // namespace acquirer
