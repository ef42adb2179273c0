// The report of a compared day as a page.
#include <algorithm>
#include <array>

#include "switch/admin/recon_client.hpp"
#include "switch/page/html_page.hpp"

namespace acquirer::admin {
namespace {

std::string shown(const View& view, std::string_view name) {
    const View* value = view.find(name);
    if (value == nullptr) return "";
    if (value->text() != nullptr) return *value->text();
    if (value->number() != nullptr) return std::to_string(*value->number());
    if (value->flag() != nullptr) return *value->flag() ? "yes" : "no";
    return "";
}
double count(const View& view, std::string_view name) {
    const View* value = view.find(name);
    return value != nullptr && value->number() != nullptr ? static_cast<double>(*value->number()) : 0;
}

const View::List& rows_of(const View& report, std::string_view name) {
    static const View::List none;
    const View* rows = report.find(name);
    return rows != nullptr && rows->items() != nullptr ? *rows->items() : none;
}

struct Shown {
    const char* member;
    const char* heading;
    bool right = false;
};

template <std::size_t n>
std::string table_of(const View::List& rows, const std::array<Shown, n>& columns) {
    std::vector<html_page::Column> heads;
    for (const Shown& column : columns) heads.push_back({column.heading, column.right});
    std::vector<std::vector<std::string>> cells;
    for (const View& row : rows) {
        cells.emplace_back();
        for (const Shown& column : columns) cells.back().push_back(shown(row, column.member));
    }
    return html_page::table(heads, cells);
}

constexpr std::array<const char*, 4> plotted = {"matched", "late", "pending", "differences"};
constexpr std::array<const char*, 7> differences = {"amount_differs", "missing_there", "missing_here",
                                                    "wrong_route",    "wrong_card",    "wrong_merchant",
                                                    "too_late"};

std::string plot_of(const View::List& routes) {
    std::vector<html_page::Bar> bars;
    for (const View& route : routes) {
        double different = 0;
        for (const char* name : differences) different += count(route, name);
        bars.push_back({shown(route, "route"),
                        {count(route, "matched"), count(route, "late"), count(route, "pending"), different},
                        std::to_string(static_cast<std::int64_t>(different)) + " differ",
                        std::nullopt});
    }
    return html_page::bar_plot("Transactions by route", {plotted.begin(), plotted.end()}, bars,
                               [](double value) { return std::to_string(static_cast<std::int64_t>(value)); });
}

}  // namespace

std::string recon_page(const View& report) {
    std::string page = html_page::begin("Reconciliation of " + shown(report, "business_date"));
    page += html_page::facts({{"business day", shown(report, "business_date")},
                              {"state", shown(report, "state")},
                              {"compared", shown(report, "compared")},
                              {"by", shown(report, "by")},
                              {"the day is closed", shown(report, "day_is_closed")},
                              {"currency", shown(report, "currency")},
                              {"transactions", shown(report, "transactions")},
                              {"differences", shown(report, "differences_count")},
                              {"net, ours", shown(report, "ours")},
                              {"net, issuers'", shown(report, "theirs")}});
    std::string open;
    for (const View& route : rows_of(report, "routes"))
        if (shown(route, "complete") == "no") open += (open.empty() ? "" : ", ") + shown(route, "route");
    if (!open.empty())
        page += html_page::paragraph(
            "Not complete: no file covers the day, or it was not compared since, of " + open,
            html_page::Weight::strong);
    page += html_page::heading("By route");
    page += plot_of(rows_of(report, "routes"));
    page += table_of(rows_of(report, "routes"), std::array<Shown, 10>{{{"route", "route"},
                                                                       {"files", "files"},
                                                                       {"complete", "complete"},
                                                                       {"matched", "matched", true},
                                                                       {"late", "late", true},
                                                                       {"pending", "pending", true},
                                                                       {"settled", "settled", true},
                                                                       {"ours", "net, ours", true},
                                                                       {"theirs", "net, issuer's", true},
                                                                       {"difference", "difference", true}}});
    page +=
        table_of(rows_of(report, "routes"), std::array<Shown, 8>{{{"route", "route"},
                                                                  {"amount_differs", "amount differs", true},
                                                                  {"missing_there", "missing there", true},
                                                                  {"missing_here", "missing here", true},
                                                                  {"wrong_route", "wrong route", true},
                                                                  {"wrong_card", "wrong card", true},
                                                                  {"wrong_merchant", "wrong merchant", true},
                                                                  {"too_late", "too late", true}}});
    page += html_page::heading("By merchant");
    page +=
        table_of(rows_of(report, "merchants"), std::array<Shown, 7>{{{"route", "route"},
                                                                     {"merchant", "merchant"},
                                                                     {"transactions", "transactions", true},
                                                                     {"differences", "differences", true},
                                                                     {"ours", "net, ours", true},
                                                                     {"theirs", "net, issuer's", true},
                                                                     {"difference", "difference", true}}});
    page += html_page::heading("Differences");
    if (shown(report, "differences_cut") == "yes")
        page += html_page::paragraph("There are more than are shown here: recon list has all of them.",
                                     html_page::Weight::strong);
    page += table_of(rows_of(report, "differences"), std::array<Shown, 8>{{{"ref", "RRN"},
                                                                           {"route", "route"},
                                                                           {"kind", "kind"},
                                                                           {"status", "difference"},
                                                                           {"ours", "ours", true},
                                                                           {"theirs", "issuer's", true},
                                                                           {"exception", "exception"},
                                                                           {"why", "why"}}});
    return page + html_page::end();
}

}  // namespace acquirer::admin
