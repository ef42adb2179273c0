// Batches and reasons at the switch's end of the control protocol: as a command for the core, or as a read.
#pragma once

#include <optional>

#include "switch/admin/control_protocol.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/views/batch_views.hpp"

namespace acquirer::admin {

std::optional<OperatorCommand> batch_change(const Request& request);
std::optional<ViewResult> batch_read(const Request& request, const ViewContext& context);

}  // namespace acquirer::admin
