// refundctl status: the switch at a glance.
#include "switch/views/operator_views.hpp"
#include "switch/views/store_views.hpp"

namespace acquirer {

namespace {

View answers_view(const ShellFigures& shell, StatusDetail detail) {
    const DurationHistogram::Counts& counts = shell.answers.counts();
    std::uint64_t count = 0;
    for (const std::uint64_t n : counts) count += n;
    View answers = View::object();
    answers.put("count", count);
    if (count > 0)
        answers.put("mean_us", shell.answers.sum_us() / static_cast<std::int64_t>(count))
            .put("p50_us", *percentile_us(counts, 0.50))
            .put("p99_us", *percentile_us(counts, 0.99));
    if (detail == StatusDetail::figures) return answers;
    View steps = View::list();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        View step = View::object();
        // The last step has no bound.
        if (i < DurationHistogram::bounds_us.size()) step.put("up_to_us", DurationHistogram::bounds_us[i]);
        steps.add(step.put("count", counts[i]));
    }
    return answers.put("at_ms", shell.uptime_ms).put("steps", std::move(steps));
}

View restored_view(const ViewContext& context, const RestoredStatus& restored) {
    View routes = View::list();
    for (const RouteStatus& r : context.status.routes)
        routes.add(View::object()
                       .put("route", r.name)
                       .put("from_business_day", restored.business_day.date.iso())
                       .put("since", local_time(context, restored.made)));
    return View::object()
        .put("backup", restored.backup)
        .put("made", local_time(context, restored.made))
        .put("restored", local_time(context, restored.restored))
        .put("way_out",
             "reconcile every route from that day on, then accept-restore --note TEXT (two people)")
        .put("to_reconcile", std::move(routes));
}

void put_shell(View& view, const ViewContext& context, StatusDetail detail) {
    if (context.shell == nullptr) return;
    const ShellFigures& shell = *context.shell;
    view.put("since", local_time(context, shell.since)).put("uptime_seconds", shell.uptime_ms / 1'000);
    view.put("terminal_links", shell.terminal_links).put("request_inbox", shell.request_inbox);
    view.put("answer_inbox", shell.answer_inbox).put("hsm_available", shell.hsm_available);
    view.put("counters_since", local_time(context, shell.since));
    view.put("answers", answers_view(shell, detail));
}

}  // namespace

ViewResult view_status(const ViewContext& context, StatusDetail detail) {
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
    view.put_if("vault_warning", vault_warning(context));
    view.put("demo", context.configuration.demo).put("currency", context.configuration.currency.str());
    if (context.shards != nullptr) view.put("shards", static_cast<std::uint64_t>(context.shards->size()));
    view.put("config_version", s.config_version).put("config_hash", context.configuration.hash);
    view.put("accepts_new_work", s.refuses_new_work.empty());
    view.put_if("refuses_new_work", s.refuses_new_work);
    view.put("turns", s.turns).put("pending", s.pending);
    if (s.restored) view.put("restored", restored_view(context, *s.restored));
    view.put("held", s.held).put("open_exceptions", s.open_exceptions);
    // I6a, every story ends: 0, or somebody has to be called.
    view.put("orphans", s.orphans);
    view.put("orphans_looked_for",
             s.orphans_looked_for ? local_time(context, *s.orphans_looked_for) : std::string());
    put_shell(view, context, detail);
    view.put("routes", std::move(routes)).put("counters", std::move(counters));
    return view;
}

}  // namespace acquirer
