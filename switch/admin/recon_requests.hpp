// The commands about reconciliation at the switch's end: as a command for the core, or as a read.
#pragma once

#include <optional>

#include "switch/admin/control_protocol.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/views/recon_views.hpp"

namespace acquirer::admin {

std::optional<OperatorCommand> recon_change(const Request& request);
std::optional<ViewResult> recon_read(const Request& request, const ViewContext& context);

}  // namespace acquirer::admin
