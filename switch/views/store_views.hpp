// Operators' reads about the switch as a whole: the last backup, the policy. As operator_views.hpp.
#pragma once

#include <optional>

#include "switch/views/operator_views.hpp"

namespace acquirer {

/// The last backup since the start, also while it is being made.
ViewResult view_last_backup(const ViewContext& context);
/// The vault's keys, and how far a change of them is.
ViewResult view_vault(const ViewContext& context);
/// What `status` says of them: nothing while there is nothing to do or to watch.
std::string vault_warning(const ViewContext& context);
/// The policy in force, its version and since when; with a merchant what holds for it.
ViewResult view_policy(const ViewContext& context, const std::optional<iso8583::MerchantId>& merchant);

}  // namespace acquirer
