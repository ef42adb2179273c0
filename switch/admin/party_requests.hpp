// The commands about merchants and terminals beside the file at the switch's end.
#pragma once

#include <optional>

#include "switch/admin/control_handler.hpp"

namespace acquirer::admin {

/// As a command for the core, once it is checked; a sentence when it must not be; nothing when the request is
/// another.
std::optional<iso8583::Result<OperatorCommand>> party_change(const Request& request, PartyCheck* check,
                                                             const std::string& user);
std::optional<ViewResult> party_read(const Request& request, const ViewContext& context);

}  // namespace acquirer::admin
