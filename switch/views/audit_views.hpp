// What security officers read of the audit chain: who did what, when; and all of it in a form that somebody
// else can verify. Pure over the snapshot. Shapes: docs/refundctl.md.
#pragma once

#include <string>

#include "switch/views/operator_views.hpp"

namespace acquirer {

struct AuditQuery {
    ListQuery list = {};
    std::string user = {};
    /// An action, or the group it begins with: "refund.open", "refund open", "refund".
    std::string command = {};
};
/// Newest first.
ViewResult view_audit_entries(const ViewContext& context, const AuditQuery& query);
/// Oldest first, without a gap, each with the hash of the one before, its own, and the bytes that it is over.
/// Of several shards' chains one, which has to be named.
/// Of the days asked for: a part of the chain proves itself from its first entry on.
ViewResult view_audit_export(const ViewContext& context, const ListQuery& query, ledger::AuditHash hash,
                             std::optional<std::size_t> shard = std::nullopt);

}  // namespace acquirer
