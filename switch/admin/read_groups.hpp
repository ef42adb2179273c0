// Reads that stand in files of their own; run_read() asks each. Nothing: the command is none of theirs.
#pragma once

#include <optional>

#include "switch/admin/control_protocol.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer::admin {

std::optional<ViewResult> report_read(const Request& request, const ViewContext& context);

}  // namespace acquirer::admin
