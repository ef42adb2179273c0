// report ratio: refunds against sales, beside the bounds of R28.
#include <algorithm>
#include <vector>

#include "switch/core/caution.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/money_views.hpp"
#include "switch/views/report_parts.hpp"

namespace acquirer {
namespace {

using ledger::Total;
using ledger::TransactionKind;
using ledger::TransactionRecord;

struct Trade {
    Total sales, refunds;
    std::int64_t hits = 0;  // refunds over a bound of R28, held or refused
    std::string merchant;   // whose; of a day's row: nobody's
};

/// A refund that went over bounds of R28.
struct Hit {
    View row = View::object();
};

struct Part {
    report::Groups<Trade> groups;
    Trade all;
    std::vector<Hit> hits;  // at most hits_max
};

constexpr std::size_t hits_max = 1'000;  // that one report lists; all are counted

Hit hit_of(const ViewContext& context, const TransactionRecord& r) {
    Hit hit;
    std::string bounds, words;
    for (const ledger::CautionHit& over : r.caution) {
        bounds += (bounds.empty() ? "" : " ") + std::string(ledger::name(over.bound));
        words += (words.empty() ? "" : "; ") + caution_words(over);
    }
    hit.row.put("time", local_time(context, r.created)).put("rrn", r.rrn.view());
    hit.row.put("merchant", r.merchant.view()).put("terminal", r.terminal.view());
    hit.row.put("amount", r.amount.major()).put("state", ledger::name(r.state));
    hit.row.put("bounds", bounds).put("why", words);
    return hit;
}

void add_trade(Trade& to, const Trade& more) {
    report::add(to.sales, more.sales);
    report::add(to.refunds, more.refunds);
    to.hits += more.hits;
    to.merchant = more.merchant;
}

/// Nothing of a record that is neither a sale on the books nor a refund that counts or hit a bound.
std::optional<Trade> trade_of(const TransactionRecord& record) {
    Trade trade;
    trade.merchant = record.merchant.str();
    if (record.kind == TransactionKind::sale) {
        const std::int64_t booked = report::booked_minor(record);
        if (booked <= 0) return std::nullopt;
        report::add(trade.sales, booked);
        return trade;
    }
    const std::int64_t counted = record.kind == TransactionKind::refund ? ledger::counted_minor(record) : 0;
    trade.hits = record.caution.empty() ? 0 : 1;
    if (counted > 0) report::add(trade.refunds, counted);
    return counted > 0 || trade.hits > 0 ? std::optional(trade) : std::nullopt;
}

const RefundPolicy* bounded_policy(const ViewContext& context, const std::string& merchant) {
    const auto id = iso8583::MerchantId::parse(merchant);
    const MerchantConfig* found = id ? context.configuration.find_merchant(*id) : nullptr;
    return found != nullptr && found->refund.refund_ratio_percent_max ? &found->refund : nullptr;
}

void put_trade(const ViewContext& context, View& row, const Trade& t) {
    row.put("sales", t.sales.count).put("sold", report::major(context, t.sales.amount_minor));
    row.put("refunds", t.refunds.count).put("refunded", report::major(context, t.refunds.amount_minor));
    row.put("of_count", report::percent(t.refunds.count, t.sales.count));
    row.put("of_amount", report::percent(t.refunds.amount_minor, t.sales.amount_minor));
    row.put("hits", t.hits);
}

/// R28's words of a merchant, and whether what was counted is over it.
void put_bound(const ViewContext& context, View& row, const Trade& t) {
    const RefundPolicy* policy = bounded_policy(context, t.merchant);
    if (policy == nullptr) {
        row.put("bound", "").put("over", false);
        return;
    }
    const std::int64_t bound = *policy->refund_ratio_percent_max;
    const bool by_count = policy->refund_ratio_of == RatioOf::count;
    row.put("bound", std::to_string(bound) + "% of " + (by_count ? "count" : "amount"));
    const bool is_judged = t.sales.count >= policy->ratio_sales_min;
    const bool is_over = by_count ? t.refunds.count * 100 > bound * t.sales.count
                                  : t.refunds.amount_minor * 100 > bound * t.sales.amount_minor;
    row.put("over", is_judged && is_over);
}

std::string_view group_name(RatioBy by) {
    switch (by) {
        case RatioBy::merchant:
            return "merchant";
        case RatioBy::terminal:
            return "terminal";
        case RatioBy::day:
            return "day";
    }
    return "";
}

View rows_view(const ViewContext& context, RatioBy by, const Part& whole) {
    std::vector<std::pair<std::string, Trade>> rows(whole.groups.all().begin(), whole.groups.all().end());
    // The highest ratio of amounts first; days in their order.
    if (by != RatioBy::day)
        std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
            const auto ratio = [](const Trade& t) {
                return static_cast<double>(t.refunds.amount_minor) /
                       static_cast<double>(std::max<std::int64_t>(1, t.sales.amount_minor));
            };
            return ratio(a.second) > ratio(b.second);
        });
    View list = View::list();
    for (const auto& [name, trade] : rows) {
        View row = View::object();
        row.put(std::string(group_name(by)), name);
        put_trade(context, row, trade);
        if (by != RatioBy::day) put_bound(context, row, trade);
        list.add(std::move(row));
    }
    return list;
}

/// What R28 judges by, said when the report covers other days.
std::string judged_note(const ViewContext& context, const ListQuery& query, const DaysRead& read) {
    if (!query.from && !query.to && read.note.empty()) return "";
    return "R28 judges the " + std::to_string(caution::ratio_days) + " business days up to " +
           context.status.business_date.date.iso() + ", as far as its bound was configured";
}

}  // namespace

ViewResult view_report_ratio(const ViewContext& context, const ListQuery& query, RatioBy by) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    const auto range = asked_days(context, query, caution::ratio_days);
    if (!range) return tl::unexpected(range.error());
    Part whole;
    std::vector<View> days;
    const auto read = gather_days<Part>(
        context, *range,
        [&](Part& part, const TransactionRecord& record) {
            const auto trade = scope->fits_parties(record) ? trade_of(record) : std::nullopt;
            if (!trade) return;
            if (by != RatioBy::day)
                add_trade(part.groups.at(by == RatioBy::terminal ? record.terminal.str() : trade->merchant),
                          *trade);
            add_trade(part.all, *trade);
            if (!record.caution.empty() && part.hits.size() < hits_max)
                part.hits.push_back(hit_of(context, record));
        },
        [&](iso8583::BusinessDate day, const Part& part) {
            for (const auto& [name, trade] : part.groups.all()) add_trade(whole.groups.at(name), trade);
            if (by == RatioBy::day) add_trade(whole.groups.at(day.date.iso()), part.all);
            add_trade(whole.all, part.all);
            for (const Hit& hit : part.hits)
                if (whole.hits.size() < hits_max) whole.hits.push_back(hit);
            View row = View::object().put("day", day.date.iso());
            put_trade(context, row, part.all);
            days.push_back(std::move(row));
        });
    if (!read) return tl::unexpected(read.error());
    View view = report::head(context, "ratio", query);
    report::put_read(view, *read);
    view.put_if("judged", judged_note(context, query, *read));
    put_trade(context, view, whole.all);
    view.put("ratios", rows_view(context, by, whole));
    View hits = View::list();
    for (Hit& hit : whole.hits) hits.add(std::move(hit.row));
    view.put("hit_refunds", std::move(hits));
    if (by == RatioBy::day) return page_of(view, "ratios", query);
    View series = View::list();
    for (auto day = days.rbegin(); day != days.rend(); ++day) series.add(std::move(*day));
    return page_of(view.put("days", std::move(series)), "ratios", query);
}

}  // namespace acquirer
