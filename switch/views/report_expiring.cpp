// report expiring: sales that could still be refunded and whose window ends soon (R16).
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "switch/core/refund_policy.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/report_parts.hpp"

namespace acquirer {
namespace {

using iso8583::BusinessDate;
using iso8583::Date;
using ledger::Total;
using ledger::TransactionKind;
using ledger::TransactionRecord;

struct Sale {
    Date last_day;
    TransactionRecord record;
};
/// The order of the list, and what `next` names: "2026-11-28/632500000001".
std::string place_of(const Date& last_day, const iso8583::Rrn& rrn) {
    return last_day.iso() + "/" + rrn.str();
}

/// The last day that a place names; nothing when it is none.
std::optional<Date> day_of_place(std::string_view place) {
    const std::size_t slash = place.find('/');
    if (slash == std::string_view::npos || !iso8583::Rrn::parse(place.substr(slash + 1))) return std::nullopt;
    const auto day = Date::parse_iso(place.substr(0, slash));
    return day ? std::optional(*day) : std::nullopt;
}

/// Business days after the sale's own in which it may be refunded: the shorter of the merchant's and the
/// route's.
std::int32_t window_of(const ViewContext& context, const TransactionRecord& sale) {
    std::int32_t days = RefundPolicy{}.window_days;
    if (const MerchantConfig* merchant = context.configuration.find_merchant(sale.merchant))
        days = merchant->refund.window_days;
    if (const routing::Route* route = context.configuration.routes.find(routing::RouteId{sale.route}))
        days = std::min(days, static_cast<std::int32_t>(route->window_days));
    return days;
}

/// Every window that a sale can have.
std::set<std::int32_t> windows(const ViewContext& context) {
    std::set<std::int32_t> days{RefundPolicy{}.window_days};
    for (const auto& [id, merchant] : context.configuration.merchants)
        days.insert(merchant.refund.window_days);
    for (const routing::Route& route : context.configuration.routes.routes())
        days.insert(static_cast<std::int32_t>(route.window_days));
    return days;
}

/// The business days whose sales may leave their window within `days`, as ranges that do not touch, oldest
/// first.
std::vector<DayRange> days_of_sales(const ViewContext& context, const DayRange& known, std::int32_t days) {
    const Date today = context.status.business_date.date;
    std::set<std::int32_t> wanted;  // days since 1970
    for (const std::int32_t window : windows(context))
        for (std::int32_t left = 0; left < days; ++left)
            if (const BusinessDate day{today.plus_days(left - window)}; known.contains(day))
                wanted.insert(day.date.days());
    std::vector<DayRange> ranges;
    for (const std::int32_t day : wanted) {
        const BusinessDate date{Date::from_days(day)};
        if (!ranges.empty() && ranges.back().to.next() == date)
            ranges.back().to = date;
        else
            ranges.push_back({date, date});
    }
    return ranges;
}

/// The first so many by place, and sums of all.
class Found {
  public:
    Found(std::size_t limit, std::string after) : limit_(limit), after_(std::move(after)) {}

    void add(Sale sale) {
        report::add(by_day_[sale.last_day], sale.record.remaining_minor());
        report::add(all_, sale.record.remaining_minor());
        std::string place = place_of(sale.last_day, sale.record.rrn);
        if (!after_.empty() && place <= after_) return;
        ++behind_;
        first_.emplace(std::move(place), std::move(sale));
        if (first_.size() > limit_) first_.erase(std::prev(first_.end()));
    }
    [[nodiscard]] const std::map<std::string, Sale>& first() const { return first_; }
    [[nodiscard]] const std::map<Date, Total>& by_day() const { return by_day_; }
    [[nodiscard]] const Total& all() const { return all_; }
    /// More come behind those that are shown.
    [[nodiscard]] bool is_cut() const { return behind_ > first_.size(); }

  private:
    std::size_t limit_, behind_ = 0;
    std::string after_;
    std::map<std::string, Sale> first_;
    std::map<Date, Total> by_day_;
    Total all_;
};

View row_of(const ViewContext& context, const Sale& sale) {
    const TransactionRecord& r = sale.record;
    View one = View::object();
    one.put("rrn", r.rrn.view()).put("last_day", sale.last_day.iso());
    one.put("days_left", sale.last_day.days() - context.status.business_date.date.days());
    one.put("amount", r.amount.major()).put("remaining", report::major(context, r.remaining_minor()));
    one.put("refunds", r.refunds_count).put("merchant", r.merchant.view());
    return one.put("terminal", r.terminal.view()).put("on_hold", r.hold);
}

View days_view(const ViewContext& context, const Found& found) {
    View list = View::list();
    for (const auto& [day, total] : found.by_day()) {
        View one = View::object().put("last_day", day.iso());
        one.put("days_left", day.days() - context.status.business_date.date.days());
        list.add(one.put("sales", total.count).put("remaining", report::major(context, total.amount_minor)));
    }
    return list;
}

}  // namespace

ViewResult view_report_expiring(const ViewContext& context, const ListQuery& query, std::int32_t days) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    const auto first = first_day(context);
    if (!first) return tl::unexpected(first.error());
    ListPage page("sales", query);
    const auto behind = page.position();
    if (!behind) return tl::unexpected(behind.error());
    if (!behind->empty() && !day_of_place(*behind)) return ListPage::no_cursor();
    const Date today = context.status.business_date.date;
    const Date last = today.plus_days(days - 1);
    Found found(std::min(query.limit, list_limit_max), *behind);
    std::size_t records = 0;
    std::string note;
    for (const DayRange& range : days_of_sales(context, {*first, context.status.business_date}, days)) {
        // Sales of a day are taken when it is whole, so that a report that is cut has whole days.
        const auto read = gather_days<std::vector<Sale>>(
            context, range,
            [&](std::vector<Sale>& sales, const TransactionRecord& r) {
                if (r.kind != TransactionKind::sale || r.state != ledger::State::approved) return;
                if (r.remaining_minor() <= 0 || !scope->fits_parties(r)) return;
                const Date ends = r.business_date.date.plus_days(window_of(context, r));
                if (ends >= today && ends <= last) sales.push_back({ends, r});
            },
            [&](BusinessDate, const std::vector<Sale>& sales) {
                for (const Sale& sale : sales) found.add(sale);
            });
        if (!read) return tl::unexpected(read.error());
        records += read->records;
        if (!read->note.empty() && note.empty())
            note = "of the sales of " + range.from.date.iso() + " to " + range.to.date.iso() +
                   " only those from " + read->days.from.date.iso() +
                   " on were looked at: " + std::to_string(read->records) + " records were read";
    }
    View facts = report::head(context, "expiring", query);
    facts.put("from", today.iso()).put("to", last.iso()).put("days", days);
    facts.put("records_read", static_cast<std::int64_t>(records)).put_if("note", note);
    facts.put("count", found.all().count).put("remaining", report::major(context, found.all().amount_minor));
    facts.put("last_days", days_view(context, found));
    for (const auto& [place, sale] : found.first()) page.add(row_of(context, sale), place);
    if (found.is_cut()) page.cut_at(found.first().rbegin()->first);
    return std::move(page).answer(facts);
}

}  // namespace acquirer
