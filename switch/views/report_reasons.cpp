// report reasons: what refunds are made for, and why the switch refused others.
#include <algorithm>
#include <vector>

#include "switch/core/refusal.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/movements.hpp"
#include "switch/views/report_parts.hpp"

namespace acquirer {
namespace {

using ledger::State;
using ledger::Total;
using ledger::TransactionKind;
using ledger::TransactionRecord;

struct Reason {
    Total asked;     // all that were asked for under it
    Total counting;  // what of them counts in Remaining: paid, or to be paid
};

struct Part {
    report::Groups<Reason> reasons;
    std::map<std::uint8_t, Total> refusals;
    Total counting;
};

void add_record(Part& part, const TransactionRecord& record) {
    Reason& reason = part.reasons.at(refund_reason(record));
    report::add(reason.asked, record.amount.minor_units());
    if (const std::int64_t counted = ledger::counted_minor(record); counted > 0) {
        report::add(reason.counting, counted);
        report::add(part.counting, counted);
    }
    // A held case has the rule that holds it there too.
    const bool refused = record.state == State::refused || record.state == State::declined;
    if (refused && record.refusal != 0)
        report::add(part.refusals[record.refusal], record.amount.minor_units());
}

View reasons_view(const ViewContext& context, const Part& whole) {
    std::vector<std::pair<std::string, Reason>> rows(whole.reasons.all().begin(), whole.reasons.all().end());
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return a.second.counting.amount_minor > b.second.counting.amount_minor;
    });
    View list = View::list();
    for (const auto& [name, reason] : rows) {
        View one = View::object();
        one.put("reason", name).put("asked", reason.asked.count);
        one.put("asked_amount", report::major(context, reason.asked.amount_minor));
        one.put("counting", reason.counting.count);
        one.put("amount", report::major(context, reason.counting.amount_minor));
        one.put("share_percent", report::percent(reason.counting.amount_minor, whole.counting.amount_minor));
        one.put("not_counting", reason.asked.count - reason.counting.count);
        list.add(std::move(one));
    }
    return list;
}

View refusals_view(const ViewContext& context, const Part& whole) {
    std::vector<std::pair<std::uint8_t, Total>> rows(whole.refusals.begin(), whole.refusals.end());
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
    View list = View::list();
    for (const auto& [refusal, total] : rows) {
        const RefusalInfo& why = info(static_cast<Refusal>(refusal));
        View one = View::object();
        one.put("refusal", why.name).put("rule", why.rule).put("count", total.count);
        one.put("amount", report::major(context, total.amount_minor)).put("explanation", why.explanation);
        list.add(std::move(one));
    }
    return list;
}

}  // namespace

ViewResult view_report_reasons(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    const auto range = asked_days(context, query, report_days_default);
    if (!range) return tl::unexpected(range.error());
    Part whole;
    std::vector<View> days;
    const auto read = gather_days<Part>(
        context, *range,
        [&](Part& part, const TransactionRecord& record) {
            if (record.kind == TransactionKind::refund && record.state != State::tombstone &&
                scope->fits_parties(record))
                add_record(part, record);
        },
        [&](iso8583::BusinessDate day, const Part& part) {
            for (const auto& [name, reason] : part.reasons.all()) {
                report::add(whole.reasons.at(name).asked, reason.asked);
                report::add(whole.reasons.at(name).counting, reason.counting);
            }
            for (const auto& [refusal, total] : part.refusals) report::add(whole.refusals[refusal], total);
            report::add(whole.counting, part.counting);
            days.push_back(View::object()
                               .put("day", day.date.iso())
                               .put("counting", part.counting.count)
                               .put("amount", report::major(context, part.counting.amount_minor)));
        });
    if (!read) return tl::unexpected(read.error());
    View series = View::list();
    for (auto day = days.rbegin(); day != days.rend(); ++day) series.add(std::move(*day));
    View view = report::head(context, "reasons", query);
    report::put_read(view, *read);
    view.put("counting", whole.counting.count);
    view.put("amount", report::major(context, whole.counting.amount_minor));
    view.put("reasons", reasons_view(context, whole)).put("refusals", refusals_view(context, whole));
    return page_of(view.put("days", std::move(series)), "reasons", query);
}

}  // namespace acquirer
