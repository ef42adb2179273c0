// The commands about a merchant's own money (fees, reserve, adjustments) at the switch's end: as a command
// for the core, or as a read. Nothing: the command is none of theirs.
#pragma once

#include <optional>

#include "switch/admin/control_protocol.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer::admin {

std::optional<OperatorCommand> money_change(const Request& request);
std::optional<ViewResult> money_read(const Request& request, const ViewContext& context);

}  // namespace acquirer::admin
