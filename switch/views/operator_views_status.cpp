// refundctl status: the switch at a glance.
#include "switch/views/operator_views.hpp"

namespace acquirer {

ViewResult view_status(const ViewContext& context) {
    const CoreStatus& s = context.status;
    View routes = View::list();
    for (const RouteStatus& r : s.routes) {
        View one = View::object();
        one.put("route", r.name).put("state", r.operator_state).put("links_up", r.links_up);
        one.put("in_flight", r.in_flight).put("queued_advices", r.queued_advices);
        routes.add(std::move(one));
    }
    View counters = View::object();
    for (const auto& [label, count] : s.counters) counters.put(label, count);
    View view = View::object();
    view.put("business_date", s.business_date.date.iso()).put("time", local_time(context, context.now.utc));
    view.put_if("day_warning", day_warning(context));
    view.put("demo", context.configuration.demo).put("currency", context.configuration.currency.str());
    view.put("config_version", s.config_version).put("config_hash", context.configuration.hash);
    view.put("accepts_new_work", s.accepts_new_work).put("turns", s.turns).put("pending", s.pending);
    view.put("held", s.held).put("open_exceptions", s.open_exceptions);
    // I6a, every story ends: 0, or somebody has to be called.
    view.put("orphans", s.orphans);
    view.put("orphans_looked_for",
             s.orphans_looked_for ? local_time(context, *s.orphans_looked_for) : std::string());
    view.put("routes", std::move(routes)).put("counters", std::move(counters));
    return view;
}

}  // namespace acquirer
