#include "switch/admin/batch_requests.hpp"
#include "switch/admin/control_handler.hpp"
#include "switch/admin/file_requests.hpp"
#include "switch/admin/money_requests.hpp"
#include "switch/admin/party_requests.hpp"
#include "switch/admin/read_groups.hpp"
#include "switch/admin/recon_requests.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/admin/retention_requests.hpp"
#include "switch/admin/store_requests.hpp"
#include "switch/views/audit_views.hpp"

namespace acquirer::admin {

using iso8583::parse_error;

namespace {

FindQuery find_query(const Request& r) {
    FindQuery q{list_query(r),
                {},
                argument(r, "auth"),
                {},
                {},
                argument(r, "pan-last4"),
                argument(r, "amount"),
                {},
                argument(r, "reference"),
                argument(r, "order")};
    q.rrn = parsed<iso8583::Rrn>(r, "rrn");
    q.batch = parsed<iso8583::BatchNumber>(r, "batch");
    q.trace = parsed<iso8583::Stan>(r, "trace");
    if (const auto day = iso8583::Date::parse_iso(argument(r, "date"))) q.date = *day;
    return q;
}

ListQuery abnormal_only(ListQuery query) {
    query.state = "abnormal";
    return query;
}

TotalsBy totals_by(const std::string& word) {
    if (word == "merchant") return TotalsBy::merchant;
    if (word == "terminal") return TotalsBy::terminal;
    if (word == "instrument") return TotalsBy::instrument;
    if (word == "reason") return TotalsBy::reason;
    return TotalsBy::route;
}

ViewResult totals(const Request& request, const ViewContext& context) {
    std::optional<iso8583::BusinessDate> day;
    if (const std::string text = argument(request, "day"); !text.empty())
        if (auto date = iso8583::Date::parse_iso(text)) day = iso8583::BusinessDate{*date};
    return view_totals(context, totals_by(argument(request, "by")), day);
}

}  // namespace

ViewResult run_read(const Request& r, const ViewContext& context, const AuditCheck& audit) {
    const std::string id = argument(r, "id");
    const ListQuery list = list_query(r);
    if (!argument(r, "day").empty() && !(argument(r, "from") + argument(r, "to")).empty())
        return parse_error("day: stands for from and to, not beside them");
    if (r.command == "whoami") return iso8583::parse_error("the control socket alone knows who asks");
    if (r.command == "status")
        return view_status(context, flag(r, "steps") ? StatusDetail::with_steps : StatusDetail::figures);
    if (r.command == "find") return view_find(context, find_query(r));
    if (r.command == "list") return view_transactions(context, list);
    if (r.command == "show")
        return view_show(context, id, flag(r, "messages") ? Shown::with_messages : Shown::transaction);
    if (r.command == "explain") return view_explain(context, id);
    if (r.command == "receipt") return view_receipt(context, id, slip_language(argument(r, "lang")));
    if (r.command == "refund list") return view_refunds(context, list);
    if (r.command == "refund show") return view_show(context, id, Shown::transaction);
    if (r.command == "saf list") return view_queue(context, list);
    if (r.command == "saf show") return view_queued(context, id);
    if (r.command == "exceptions list")
        return view_exceptions(context, {list, flag(r, "all"), argument(r, "owner")});
    if (r.command == "exceptions show") return view_exception(context, argument(r, "exception"));
    if (r.command == "abnormal list") return view_refunds(context, abnormal_only(list));
    if (r.command == "abnormal show") return view_show(context, id, Shown::transaction);
    if (r.command == "proposals list") return view_proposals(context, flag(r, "all"), list);
    if (r.command == "dispute list") return view_disputes(context, flag(r, "all"), list);
    if (r.command == "abnormal resolve")
        return parse_error(
            "one of --retry, --merchant-account, --alternative-account and --cancel is needed");
    if (r.command == "routes list") return view_routes(context, list);
    if (r.command == "merchants list") return view_merchants(context, list);
    if (r.command == "terminals list") return view_terminals(context, list);
    if (r.command == "day status") return view_day(context);
    if (r.command == "totals") return totals(r, context);
    if (r.command == "audit list")
        return view_audit_entries(context, {list, argument(r, "user"), argument(r, "command")});
    if (r.command == "audit export") {
        const std::string shard = argument(r, "shard");
        return view_audit_export(context, list, audit.hash,
                                 shard.empty() ? std::nullopt : std::optional(std::stoul(shard)));
    }
    if (r.command == "audit verify") return view_audit_verify(context, audit);
    if (auto recon = recon_read(r, context)) return *recon;
    if (auto store = store_read(r, context)) return *store;
    if (auto retention = retention_read(r, context)) return std::move(*retention);
    if (auto money = money_read(r, context)) return std::move(*money);
    if (auto file = file_read(r, context)) return *file;
    if (auto batch = batch_read(r, context)) return *batch;
    if (auto party = party_read(r, context)) return std::move(*party);
    if (auto report = report_read(r, context)) return std::move(*report);
    return parse_error("there is no such read");
}

}  // namespace acquirer::admin
