#include "switch/admin/retention_requests.hpp"

#include "switch/admin/request_arguments.hpp"
#include "switch/views/retention_views.hpp"

namespace acquirer::admin {

std::optional<OperatorCommand> retention_change(const Request& r) {
    if (r.command == "purge run") return RunPurge{flag(r, "all-days"), argument(r, "note")};
    return std::nullopt;
}

std::optional<ViewResult> retention_read(const Request& r, const ViewContext& context) {
    if (r.command == "purge show") return view_purge_show(context, list_query(r));
    if (r.command == "purge log") return view_purge_log(context, list_query(r));
    return std::nullopt;
}

}  // namespace acquirer::admin
