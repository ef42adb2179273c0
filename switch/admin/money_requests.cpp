#include "switch/admin/money_requests.hpp"

#include "switch/admin/request_arguments.hpp"
#include "switch/views/money_views.hpp"

namespace acquirer::admin {

std::optional<OperatorCommand> money_change(const Request& r) {
    const auto a = [&](std::string_view name) { return argument(r, name); };
    if (r.command == "reserve add") return AddReserve{a("merchant"), a("amount"), a("note")};
    if (r.command == "adjustment charge")
        return ChargeMerchant{a("merchant"), a("amount"), a("ref"), a("text")};
    if (r.command == "adjustment open")
        return OpenAdjustment{a("merchant"), a("amount"), a("charge"), a("reason"), a("ref")};
    return std::nullopt;
}

std::optional<ViewResult> money_read(const Request& r, const ViewContext& context) {
    const ListQuery list = list_query(r);
    if (r.command == "fees show") return view_fees(context, list);
    if (r.command == "fees schedule") return view_fee_schedule(context, list);
    if (r.command == "reserve show") return view_reserve(context, list);
    if (r.command == "adjustment list") return view_adjustments(context, list);
    return std::nullopt;
}

}  // namespace acquirer::admin
