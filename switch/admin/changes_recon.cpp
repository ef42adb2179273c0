#include <charconv>

#include "switch/admin/recon_requests.hpp"
#include "switch/admin/request_arguments.hpp"

namespace acquirer::admin {

std::optional<OperatorCommand> recon_change(const Request& r) {
    const auto a = [&](std::string_view name) { return argument(r, name); };
    if (r.command == "recon enter") return ImportIssuerFile{a("digest"), a("route"), a("name"), a("day")};
    if (r.command == "recon run") return RunReconciliation{a("day")};
    if (r.command == "recon resolve") return ResolveDifference{a("difference"), a("route"), a("note")};
    return std::nullopt;
}

std::optional<ViewResult> recon_read(const Request& r, const ViewContext& context) {
    if (r.command == "recon list") return view_recon_list(context, list_query(r));
    if (r.command == "recon files") return view_recon_files(context, list_query(r));
    if (r.command == "recon report") return view_recon_report(context, business_day(r, "day"));
    if (r.command == "recon progress") {
        const auto day = business_day(r, "day");
        if (!day) return iso8583::parse_error("day: is missing");
        return view_recon_day(context, *day);
    }
    if (r.command == "recon file") {
        std::uint32_t number = 0;
        const std::string text = argument(r, "number");
        std::from_chars(text.data(), text.data() + text.size(), number);
        return view_recon_file(context, number);
    }
    return std::nullopt;
}

}  // namespace acquirer::admin
