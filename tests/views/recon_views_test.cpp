// What people see of reconciliation (R101): files, lists with their cursors, the report and its page.
#include <catch2/catch.hpp>
#include <set>

#include "switch/admin/recon_client.hpp"
#include "switch/core/recon_check.hpp"
#include "switch/views/recon_views.hpp"
#include "tests/core/recon_office.hpp"

using namespace desk;
using namespace recon;
using acquirer::ListQuery;
using acquirer::View;

namespace {

template <typename Read>
acquirer::ViewResult look(Desk& d, const Read& read) {
    const auto snapshot = d.store().snapshot();
    const auto status = d.status();
    return read(acquirer::ViewContext{*snapshot, status, *d.configuration, d.now()});
}
View list(Desk& d, const ListQuery& query) {
    const auto view = look(d, [&](const auto& c) { return acquirer::view_recon_list(c, query); });
    REQUIRE(view);
    return *view;
}
std::string text(const View& view, std::string_view name) {
    const View* value = view.find(name);
    REQUIRE(value != nullptr);
    REQUIRE(value->text() != nullptr);
    return *value->text();
}
std::int64_t number(const View& view, std::string_view name) {
    const View* value = view.find(name);
    REQUIRE(value != nullptr);
    REQUIRE(value->number() != nullptr);
    return *value->number();
}

/// Four sales of issuer-b: two alike, one for less, one that the file has not; and what we have not.
struct Day {
    Recon r;
    std::vector<Answer> sales;
    Day() {
        for (int i = 0; i < 4; ++i) sales.push_back(r.d.sale());
        r.import("issuer-b", line_of({"sale", "", 10'000, sales[0].rrn}) +
                                 line_of({"sale", "", 10'000, sales[1].rrn}) +
                                 line_of({"sale", "", 9'000, sales[2].rrn}) +
                                 line_of({"refund", "", 500, "632599999999"}));
        REQUIRE(r.run(today).done);
    }
};

}  // namespace

TEST_CASE("R101 the report of a day adds up, and says what is complete", "[recon]") {
    Day day;
    const auto report =
        look(day.r.d, [](const auto& c) { return acquirer::view_recon_report(c, std::nullopt); });
    REQUIRE(report);
    CHECK(text(*report, "business_date") == today);
    CHECK(text(*report, "state") == "compared");
    CHECK(number(*report, "transactions") == 5);
    CHECK(number(*report, "differences_count") == 3);
    CHECK(text(*report, "ours") == "400.00");
    CHECK(text(*report, "theirs") == "285.00");  // 100 + 100 + 90 - 5
    const auto& routes = *report->find("routes")->items();
    REQUIRE(routes.size() == 3);
    CHECK_FALSE(*routes[0].find("complete")->flag());
    CHECK(*routes[1].find("complete")->flag());
    CHECK_FALSE(*routes[2].find("complete")->flag());
    CHECK(number(routes[1], "matched") == 2);
    CHECK(number(routes[1], "amount_differs") == 1);
    CHECK(number(routes[1], "missing_there") == 1);
    CHECK(number(routes[1], "missing_here") == 1);
    CHECK(text(routes[1], "difference") == "-115.00");
    CHECK(report->find("differences")->items()->size() == 3);
    const std::string page = acquirer::admin::recon_page(*report);
    CHECK(page.find("<script") == std::string::npos);
    CHECK(page.find("http") == page.find("http://www.w3.org"));
    CHECK(page.find(
              "Not complete: no file covers the day, or it was not compared since, of issuer-a, issuer-w") !=
          std::string::npos);
    CHECK(page.find("files have not") != std::string::npos);
    const auto none = look(day.r.d, [](const auto& c) {
        return acquirer::view_recon_report(c, iso8583::BusinessDate{{2026, 11, 20}});
    });
    REQUIRE_FALSE(none);
    CHECK(none.error().what ==
          "day: 2026-11-20 was not compared yet: recon run --day 2026-11-20 comes first");
}

TEST_CASE("R101 differences in pages, by route, status and day", "[recon]") {
    Day day;
    std::set<std::string> seen;
    ListQuery query;
    query.limit = 1;
    for (int pages = 0; pages < 10; ++pages) {
        const View page = list(day.r.d, query);
        for (const View& row : *page.find("differences")->items()) seen.insert(text(row, "ref"));
        const View* next = page.find("next");
        if (next == nullptr) break;
        query.after = *next->text();
    }
    CHECK(seen == std::set<std::string>{day.sales[2].rrn, day.sales[3].rrn, "632599999999"});
    ListQuery all;
    all.state = "all";
    CHECK(list(day.r.d, all).find("differences")->items()->size() == 5);
    all.state = "matched";
    CHECK(list(day.r.d, all).find("differences")->items()->size() == 2);
    all.state = "missing_here";
    REQUIRE(list(day.r.d, all).find("differences")->items()->size() == 1);
    const View row = list(day.r.d, all).find("differences")->items()->front();
    CHECK(text(row, "kind") == "refund");
    CHECK(text(row, "theirs") == "5.00");
    CHECK(text(row, "why") == "the issuer has a refund of 5.00 that we do not have (file 1, line 4)");
    all.route = "issuer-a";
    CHECK(list(day.r.d, all).find("differences")->items()->empty());
    all.route = "issuer-x";
    CHECK_FALSE(look(day.r.d, [&](const auto& c) { return acquirer::view_recon_list(c, all); }));
    query.after = "differences.zz";
    CHECK_FALSE(look(day.r.d, [&](const auto& c) { return acquirer::view_recon_list(c, query); }));
}

TEST_CASE("R101 files with their bad lines, and what show says", "[recon]") {
    Day day;
    const IssuerFileRecord bad = day.r.import("issuer-b", "{\n\n{}\n");
    CHECK(bad.number == 2);
    const auto files =
        look(day.r.d, [](const auto& c) { return acquirer::view_recon_files(c, ListQuery{}); });
    REQUIRE(files);
    REQUIRE(files->find("files")->items()->size() == 2);
    CHECK(text(files->find("files")->items()->front(), "state") == "refused");
    const auto file = look(day.r.d, [](const auto& c) { return acquirer::view_recon_file(c, 2); });
    REQUIRE(file);
    const auto& lines = *file->find("bad_lines")->items();
    REQUIRE(lines.size() == 2);
    CHECK(number(lines[1], "line") == 3);
    CHECK(text(lines[1], "what") == "time: is missing");
    CHECK_FALSE(look(day.r.d, [](const auto& c) { return acquirer::view_recon_file(c, 3); }));
    const auto show = [&](const std::string& rrn) {
        const auto view = look(day.r.d, [&](const auto& c) {
            return acquirer::view_show(c, rrn, acquirer::Shown::transaction);
        });
        REQUIRE(view);
        return text(*view, "reconciliation");
    };
    CHECK(show(day.sales[0].rrn) == "reconciled (matched)");
    CHECK(show(day.sales[3].rrn) ==
          "mismatch (missing_there: we have a sale of 100.00 that the issuer's files have not)");
    const auto exceptions = look(day.r.d, [](const auto& c) { return acquirer::view_exceptions(c, {}); });
    REQUIRE(exceptions);
    for (const View& x : *exceptions->find("exceptions")->items())
        CHECK(text(x, "way_out") == "recon resolve " + text(x, "id") + " --note TEXT");
}

TEST_CASE("R101 what is stored of reconciliation agrees with itself, or --verify says what does not",
          "[recon]") {
    Day day;
    auto report = acquirer::find_recon_faults(day.r.d.store());
    REQUIRE(report);
    CHECK(report->entries == 5);
    CHECK(report->faults.empty());
    // A difference without its exception, and one that the list of what is open has lost.
    const auto tear = [&](ledger::Family family, std::string key, std::optional<std::string> value) {
        ledger::Batch batch;
        batch.turn_number = day.r.d.store().last_turn_number() + 1;
        if (value)
            batch.put(family, std::move(key), std::move(*value));
        else
            batch.erase(family, std::move(key));
        day.r.d.store().begin_sync(std::move(batch), [] {});
        REQUIRE(day.r.d.store().finish_sync());
    };
    auto entries = day.r.entries();
    ReconEntry torn = entries.at("2/" + day.sales[3].rrn);
    tear(ledger::Family::journal, ledger::recon_open_key(torn.day, torn.route, torn.ref), std::nullopt);
    ReconEntry alone = entries.at("2/632599999999");
    tear(ledger::Family::journal, ledger::exception_key(alone.exception), std::nullopt);
    report = acquirer::find_recon_faults(day.r.d.store());
    REQUIRE(report);
    CHECK(report->faults ==
          std::vector<std::string>{
              "the reconciliation of " + torn.ref +
                  " is missing_there and is missing from the list of what is open",
              "the reconciliation of 632599999999 is missing_here, and its exception does not say so"});
}
