// What customers and merchants were told, and what waits to be told. Shape: docs/refundctl.md.
#pragma once

#include "switch/views/operator_views.hpp"

namespace acquirer {

/// Newest first; with `behind` those behind that number, oldest first; of several shards a number for each,
/// as the answer says for the next one, and one shard's after the other's. State: "waiting", "delivered";
/// kind as ledger::NoticeKind has it. Delivered ones are kept up to a bound (notices_kept_max).
ViewResult view_notices(const ViewContext& context, const ListQuery& query, std::string_view behind);

}  // namespace acquirer
