#include "switch/admin/report_page.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <set>

#include "switch/page/html_page.hpp"

namespace acquirer::admin {
namespace {

using html_page::Bar;

constexpr std::size_t bars_max = 20;

std::string text_of_member(const View& object, std::string_view name) {
    const View* value = object.find(name);
    if (value == nullptr) return "";
    if (const auto* text = value->text()) return *text;
    if (const auto* number = value->number()) return std::to_string(*number);
    if (const auto* flag = value->flag()) return *flag ? "yes" : "no";
    return "";
}

/// Of a count, an amount or a percentage; 0 of anything else.
double number_of_member(const View& object, std::string_view name) {
    return std::strtod(text_of_member(object, name).c_str(), nullptr);
}

View::List rows_of(const View& data, std::string_view name) {
    const View* rows = data.find(name);
    return rows != nullptr && rows->items() != nullptr ? *rows->items() : View::List{};
}

std::string spaced(std::string name) {
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
}

bool is_time(std::string_view member) { return member.ends_with("_ms"); }

std::string label_of(const std::string& member) {
    return spaced(is_time(member) ? member.substr(0, member.size() - 3) : member);
}

std::string cell_of(const View& row, const std::string& member) {
    const View* value = row.find(member);
    if (value == nullptr) return "–";
    if (is_time(member) && value->number() != nullptr) return duration_words(*value->number());
    const std::string text = text_of_member(row, member);
    return text.empty() ? "–" : text;
}

bool is_numeric(const View::List& rows, const std::string& member) {
    return std::all_of(rows.begin(), rows.end(), [&](const View& row) {
        const View* value = row.find(member);
        if (value == nullptr || value->number() != nullptr) return true;
        const auto* text = value->text();
        return text != nullptr && text->find_first_not_of("-0123456789.") == std::string::npos &&
               (text->empty() || text->find('.') != std::string::npos);
    });
}

std::string table(const View::List& rows) {
    if (rows.empty()) return html_page::paragraph("(none)");
    std::vector<std::string> members;
    for (const View& row : rows)
        if (const auto* all = row.members())
            for (const auto& [member, value] : *all)
                if (std::find(members.begin(), members.end(), member) == members.end())
                    members.push_back(member);
    std::vector<html_page::Column> columns;
    for (const std::string& member : members) columns.push_back({label_of(member), is_numeric(rows, member)});
    std::vector<std::vector<std::string>> cells;
    for (const View& row : rows) {
        std::vector<std::string> line;
        for (const std::string& member : members) line.push_back(cell_of(row, member));
        cells.push_back(std::move(line));
    }
    return html_page::table(columns, cells);
}

std::string count_label(double n) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, n, std::chars_format::general, 6).ptr;
    return {text, end};
}
/// Of what there is no half of.
std::string whole_label(double n) { return n == std::floor(n) ? count_label(n) : ""; }
std::string percent_label(double n) { return count_label(n) + " %"; }

/// A member over the days, as a line.
std::string days_plot(const std::string& title, const View::List& days,
                      const std::vector<std::pair<std::string, std::string>>& lines,
                      const html_page::Label& label) {
    std::vector<html_page::Series> series;
    std::vector<std::string> labels;
    for (const View& day : days) {
        const std::string date = text_of_member(day, "day");
        labels.push_back(date.size() > 5 ? date.substr(5) : date);
    }
    double highest = 0;
    for (const auto& [name, member] : lines) {
        html_page::Series line{name, {}};
        for (std::size_t i = 0; i < days.size(); ++i) {
            const double x =
                days.size() < 2 ? 0.5 : static_cast<double>(i) / static_cast<double>(days.size() - 1);
            const double y = number_of_member(days[i], member);
            line.points.emplace_back(x, y);
            highest = std::max(highest, y);
        }
        series.push_back(std::move(line));
    }
    auto ticks = html_page::ticks_of(labels);
    if (ticks.size() == 1) ticks.front().at = 0.5;
    return html_page::line_plot(title, series, ticks, highest, label);
}

/// A member of each row as a bar, the first bars_max of them.
std::string bars_plot(const std::string& title, const View::List& rows, std::string_view label,
                      const std::vector<std::string>& parts, std::string_view value,
                      const html_page::Label& axis, std::string_view nameless = "") {
    std::vector<Bar> bars;
    for (const View& row : rows) {
        if (bars.size() == bars_max) break;
        Bar bar{text_of_member(row, label), {}, cell_of(row, std::string(value)), std::nullopt};
        if (bar.label.empty()) bar.label = nameless;
        for (const std::string& part : parts) bar.parts.push_back(std::max(0.0, number_of_member(row, part)));
        bars.push_back(std::move(bar));
    }
    std::vector<std::string> names;
    for (const std::string& part : parts) names.push_back(label_of(part));
    return bars.empty() ? "" : html_page::bar_plot(title, names, bars, axis);
}

std::string first_of(const View::List& rows, std::string_view what) {
    const std::string rest = std::to_string(bars_max);
    return rows.size() > bars_max ? std::string(what) + ", the first " + rest : std::string(what);
}

// ---- the reports

std::string reasons_found(const View& data) {
    const auto reasons = rows_of(data, "reasons");
    std::string text =
        text_of_member(data, "counting") + " refunds count, " + text_of_member(data, "amount") + " in all.";
    if (!reasons.empty()) {
        const std::string first = text_of_member(reasons.front(), "reason");
        text += " Most of it: " + (first.empty() ? "no reason given" : first) + ", " +
                text_of_member(reasons.front(), "share_percent") + " % of the amount.";
    }
    return text;
}

std::string reasons_plots(const View& data) {
    const auto reasons = rows_of(data, "reasons");
    const auto refusals = rows_of(data, "refusals");
    const auto days = rows_of(data, "days");
    return bars_plot(first_of(reasons, "Amount by reason"), reasons, "reason", {"amount"}, "amount",
                     count_label, "none given") +
           days_plot("Amount refunded, by business day", days, {{"amount", "amount"}}, count_label) +
           days_plot("Refunds, by business day", days, {{"refunds", "counting"}}, whole_label) +
           bars_plot(first_of(refusals, "Refused by the switch"), refusals, "refusal", {"count"}, "count",
                     whole_label);
}

std::string ratio_found(const View& data) {
    std::string text = text_of_member(data, "refunds") + " refunds against " + text_of_member(data, "sales") +
                       " sales: " + cell_of(data, "of_count") + " % of the count, " +
                       cell_of(data, "of_amount") + " % of the amount.";
    std::size_t over = 0;
    for (const View& row : rows_of(data, "ratios")) over += text_of_member(row, "over") == "yes" ? 1U : 0U;
    return over == 0 ? text : text + " Over the bound of R28: " + std::to_string(over) + ".";
}

std::string ratio_bars(const View::List& rows, const std::string& group) {
    std::vector<Bar> bars;
    for (const View& row : rows) {
        if (bars.size() == bars_max) break;
        const std::string bound = text_of_member(row, "bound");
        const std::string member = bound.ends_with("count") ? "of_count" : "of_amount";
        Bar bar{text_of_member(row, group),
                {number_of_member(row, member)},
                cell_of(row, member) + " %",
                std::nullopt};
        if (!bound.empty()) bar.mark = std::strtod(bound.c_str(), nullptr);
        bars.push_back(std::move(bar));
    }
    const std::string title = first_of(rows, "Refunds in percent of sales, by " + group);
    return bars.empty()
               ? ""
               : html_page::bar_plot(title + " (red: the bound of R28)", {"percent"}, bars, percent_label);
}

std::string ratio_plots(const View& data) {
    const auto rows = rows_of(data, "ratios");
    const auto days = data.find("days") != nullptr ? rows_of(data, "days") : rows;
    std::string out;
    for (const char* group : {"merchant", "terminal"})
        if (!rows.empty() && rows.front().find(group) != nullptr) out += ratio_bars(rows, group);
    return out +
           days_plot("Refunds in percent of sales, by business day", days,
                     {{"of the count", "of_count"}, {"of the amount", "of_amount"}}, percent_label) +
           days_plot("Amounts, by business day", days, {{"sales", "sold"}, {"refunds", "refunded"}},
                     count_label);
}

std::string expiring_found(const View& data) {
    return text_of_member(data, "count") + " sales with " + text_of_member(data, "remaining") +
           " that could still be refunded leave their window by the end of business day " +
           text_of_member(data, "to") + ".";
}

std::string expiring_plots(const View& data) {
    const auto days = rows_of(data, "last_days");
    return bars_plot(first_of(days, "Remaining amount, by the last day it can be refunded"), days, "last_day",
                     {"remaining"}, "remaining", count_label) +
           bars_plot(first_of(days, "Sales, by the last day they can be refunded"), days, "last_day",
                     {"sales"}, "sales", whole_label);
}

std::string ageing_found(const View& data) {
    std::int64_t waiting = 0, older = 0;
    for (const View& row : rows_of(data, "waiting")) {
        waiting += static_cast<std::int64_t>(number_of_member(row, "count"));
        older +=
            static_cast<std::int64_t>(number_of_member(row, "older") + number_of_member(row, "under_30d"));
    }
    return waiting == 0 ? "Nothing waits."
                        : std::to_string(waiting) + " wait, " + std::to_string(older) +
                              " of them for a week or longer.";
}

std::string ageing_plots(const View& data) {
    const auto rows = rows_of(data, "waiting");
    return bars_plot("What waits, by how long", rows, "waits",
                     {"under_1h", "under_1d", "under_3d", "under_7d", "under_30d", "older"}, "count",
                     whole_label) +
           bars_plot("Amount that waits", rows, "waits", {"amount"}, "amount", count_label);
}

std::string funnel_found(const View& data) {
    return text_of_member(data, "transactions") + " transactions of kind " + text_of_member(data, "kind") +
           ".";
}

/// Times from a millisecond to weeks: each power of ten is as wide as the one before.
std::string funnel_times(const View::List& states) {
    const auto place = [](double ms) { return std::log10(std::max(1.0, ms)); };
    const auto label = [](double power) {
        return duration_words(static_cast<std::int64_t>(std::llround(std::pow(10, power))));
    };
    std::vector<Bar> bars;
    for (const View& row : states) {
        if (row.find("p50_ms") == nullptr) continue;
        const double p50 = place(number_of_member(row, "p50_ms"));
        const double p90 = place(number_of_member(row, "p90_ms"));
        const double longest = place(number_of_member(row, "longest_ms"));
        bars.push_back({text_of_member(row, "state"),
                        {p50, p90 - p50, longest - p90},
                        cell_of(row, "p50_ms") + " / " + cell_of(row, "longest_ms"),
                        std::nullopt});
    }
    return bars.empty() ? ""
                        : html_page::bar_plot("How long they stood there (logarithmic)",
                                              {"half of them", "nine of ten", "the longest"}, bars, label,
                                              html_page::Ticks::units);
}

std::string funnel_plots(const View& data) {
    const auto states = rows_of(data, "states");
    return bars_plot("How many entered each state", states, "state", {"entered"}, "entered", whole_label) +
           funnel_times(states);
}

struct Kind {
    std::string_view name;
    std::string_view title;
    std::string (*found)(const View&);
    std::string (*plots)(const View&);
};
constexpr Kind kinds[] = {
    {"reasons", "Refunds by reason", reasons_found, reasons_plots},
    {"ratio", "Refunds against sales", ratio_found, ratio_plots},
    {"expiring", "Sales that leave their refund window", expiring_found, expiring_plots},
    {"ageing", "What waits, and how long", ageing_found, ageing_plots},
    {"funnel", "Through the states", funnel_found, funnel_plots},
};

}  // namespace

std::string duration_words(std::int64_t ms) {
    constexpr std::int64_t second = 1'000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
    const auto two = [](std::int64_t big, const char* unit, std::int64_t small, const char* smaller) {
        return std::to_string(big) + unit + (small == 0 ? "" : " " + std::to_string(small) + smaller);
    };
    if (ms < second) return std::to_string(ms) + " ms";
    if (ms < minute)
        return two(ms / second, "", 0, "") +
               (ms % second < 100 ? "" : "." + std::to_string(ms % second / 100)) + " s";
    if (ms < hour) return two(ms / minute, " min", ms % minute / second, " s");
    if (ms < day) return two(ms / hour, " h", ms % hour / minute, " min");
    return two(ms / day, " d", ms % day / hour, " h");
}

std::string report_page(const View& data, const std::string& command) {
    const std::string name = text_of_member(data, "report");
    const auto* kind =
        std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind& k) { return k.name == name; });
    const bool known = kind != std::end(kinds);
    std::string page = html_page::begin(known ? std::string(kind->title) : command);
    std::vector<std::pair<std::string, std::string>> facts = {{"command", command}};
    std::string notes;
    for (const auto& [member, value] : data.members() != nullptr ? *data.members() : View::Members{}) {
        if (value.items() != nullptr || value.members() != nullptr) continue;
        const std::string text = text_of_member(data, member);
        if (member == "note") notes += html_page::paragraph(text, html_page::Weight::strong);
        if (member == "next")
            notes += html_page::paragraph("The table of " + spaced(text_of_member(data, "list")) +
                                              " is cut here: go on with --after " + text,
                                          html_page::Weight::strong);
        const std::set<std::string_view> of_programs = {"report", "list", "cut", "next", "note"};
        if (!of_programs.contains(member)) facts.emplace_back(label_of(member), text.empty() ? "–" : text);
    }
    if (known) page += html_page::paragraph(kind->found(data));
    page += notes + html_page::facts(facts);
    if (known) page += kind->plots(data);
    for (const auto& [member, value] : data.members() != nullptr ? *data.members() : View::Members{})
        if (value.items() != nullptr) page += html_page::heading(spaced(member)) + table(*value.items());
    return page + html_page::end();
}

}  // namespace acquirer::admin
