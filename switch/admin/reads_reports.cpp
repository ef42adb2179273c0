#include "switch/admin/read_groups.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/views/reports.hpp"

namespace acquirer::admin {

namespace {

RatioBy ratio_by(const std::string& word) {
    if (word == "terminal") return RatioBy::terminal;
    return word == "day" ? RatioBy::day : RatioBy::merchant;
}

std::int32_t days_of(const Request& request) {
    std::int32_t count = expiring_days_default;
    const std::string days = argument(request, "days");
    std::from_chars(days.data(), days.data() + days.size(), count);
    return count;
}

ledger::TransactionKind funnel_kind(const std::string& word) {
    if (word == "sale") return ledger::TransactionKind::sale;
    return word == "void" ? ledger::TransactionKind::void_sale : ledger::TransactionKind::refund;
}

}  // namespace

std::optional<ViewResult> report_read(const Request& r, const ViewContext& context) {
    if (r.command == "report reasons") return view_report_reasons(context, list_query(r));
    if (r.command == "report ratio")
        return view_report_ratio(context, list_query(r), ratio_by(argument(r, "by")));
    if (r.command == "report expiring") return view_report_expiring(context, list_query(r), days_of(r));
    if (r.command == "report ageing") return view_report_ageing(context, list_query(r));
    if (r.command == "report funnel")
        return view_report_funnel(context, list_query(r), funnel_kind(argument(r, "kind")));
    return std::nullopt;
}

}  // namespace acquirer::admin
