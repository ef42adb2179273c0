// The commands about backups and the policy at the switch's end: as a command for the core, or as a read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "switch/admin/control_protocol.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/views/store_views.hpp"

namespace acquirer::admin {

/// What a policy file would change.
struct PolicyPreview {
    std::string version, in_force;
    std::vector<std::string> differences;  // a value each
    std::vector<std::string> absent;       // parties that are not configured, a sentence each
};
/// Reads a policy as TOML over the running configuration; the error has a line a problem.
using JudgePolicy = std::function<iso8583::Result<PolicyPreview>(const std::string& policy)>;

std::optional<OperatorCommand> store_change(const Request& request);
std::optional<ViewResult> store_read(const Request& request, const ViewContext& context);
/// The text of a policy that came with a request.
std::string policy_text(const Request& request);
/// What people see before they apply it.
View preview_view(const PolicyPreview& preview);
/// The proposal that carries it; nothing when it would change nothing.
ProposePolicy proposal_of(const Request& request, const PolicyPreview& preview);

}  // namespace acquirer::admin
