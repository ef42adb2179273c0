// The commands about retention at the switch's end: as a command for the core, or as a read.
#pragma once

#include <optional>

#include "switch/admin/control_protocol.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer::admin {

std::optional<OperatorCommand> retention_change(const Request& request);
std::optional<ViewResult> retention_read(const Request& request, const ViewContext& context);

}  // namespace acquirer::admin
