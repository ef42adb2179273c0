// The pages of reports: whole, self-contained, and what they show is what the answer says.
#include "switch/admin/report_page.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "switch/page/html_page.hpp"
#include "switch/views/reports.hpp"
#include "tests/views/report_ledger.hpp"

using namespace acquirer;
using namespace acquirer::admin;
using sample::ReportWorld;

namespace {

std::size_t times(const std::string& text, std::string_view what) {
    std::size_t count = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
    return count;
}

void check_self_contained(const std::string& page) {
    CHECK(page.starts_with("<!DOCTYPE html>"));
    CHECK(page.ends_with("</body></html>\n"));
    for (const char* outside :
         {"http:", "https:", "src=", "<link", "<script", "url(", "@import", "nan", "inf\""}) {
        INFO(outside);
        CHECK(page.find(outside) == std::string::npos);
    }
    for (const char* tag : {"table", "svg", "tr", "td", "th", "text", "p", "h2", "h3", "div"}) {
        INFO(tag);
        const std::string open(tag);
        CHECK(times(page, "<" + open + ">") + times(page, "<" + open + " ") ==
              times(page, "</" + open + ">"));
    }
}

std::string page_of(const ViewResult& view) {
    REQUIRE(view);
    return report_page(*view, "refundctl report");
}

}  // namespace

TEST_CASE("pages: each report has one, with its plots and tables, and needs nothing from elsewhere") {
    const ReportWorld world;
    const ViewContext context = world.context();
    struct Row {
        ViewResult view;
        std::size_t plots, tables;
        const char* found;
    };
    // A table more than lists: what the page covers.
    const Row rows[] = {
        {view_report_reasons(context, {}), 4, 4, "Most of it: no reason given"},
        {view_report_ratio(context, {}, RatioBy::merchant), 3, 3, "Over the bound of R28: 1."},
        {view_report_ratio(context, {}, RatioBy::terminal), 3, 3, "refunds against"},
        {view_report_ratio(context, {}, RatioBy::day), 2, 2, "refunds against"},
        {view_report_expiring(context, {}, 7), 2, 3, "3 sales with 90.00 that could still be refunded"},
        {view_report_ageing(context, {}), 2, 3, "for a week or longer"},
        {view_report_funnel(context, {}, ledger::TransactionKind::refund), 2, 3,
         "transactions of kind refund"},
    };
    for (const Row& row : rows) {
        const std::string page = page_of(row.view);
        INFO(*row.view->find("report")->text());
        check_self_contained(page);
        CHECK(times(page, "<svg") == row.plots);
        CHECK(times(page, "<table") == row.tables);
        CHECK(page.find(row.found) != std::string::npos);
        // To look at them: SWITCH_WRITE_PAGES=FOLDER views_test 'pages: each*'
        if (const char* folder = std::getenv("SWITCH_WRITE_PAGES"))
            std::ofstream(std::string(folder) + "/page" + std::to_string(&row - rows) + ".html") << page;
    }
}

TEST_CASE("pages: of an empty ledger they say that there is nothing") {
    const sample::World empty;
    ledger::MemoryStore nothing;
    const ViewContext context{nothing, empty.status, *empty.configuration, empty.now};
    const std::string ageing = page_of(view_report_ageing(context, {}));
    check_self_contained(ageing);
    CHECK(ageing.find("Nothing waits.") != std::string::npos);
    for (const auto& view :
         {view_report_reasons(context, {}), view_report_ratio(context, {}, RatioBy::merchant),
          view_report_expiring(context, {}, 7),
          view_report_funnel(context, {}, ledger::TransactionKind::sale)}) {
        const std::string page = page_of(view);
        check_self_contained(page);
        CHECK(page.find("(none)") != std::string::npos);
    }
}

TEST_CASE("pages: texts of people are shown, never run") {
    ReportWorld world;
    sample::keep(world.store,
                 sample::refund_of("632500000095", 100, 0, "<script>alert(\"x\")</script> & more", 5));
    const std::string page = page_of(view_report_reasons(world.context(), {}));
    CHECK(page.find("<script") == std::string::npos);
    CHECK(page.find("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more") != std::string::npos);
    CHECK(html_page::escaped("a<b>&\"c\"") == "a&lt;b&gt;&amp;&quot;c&quot;");
}

TEST_CASE("pages: a cut report says so before anything else") {
    const ReportWorld world;
    ListQuery one;
    one.limit = 1;
    const std::string page = page_of(view_report_reasons(world.context(), one));
    const auto said = page.find("The table of reasons is cut here: go on with --after reasons.1");
    REQUIRE(said != std::string::npos);
    CHECK(said < page.find("<svg"));
    CHECK(said < page.find("<table"));
}

TEST_CASE("pages: durations in words") {
    CHECK(duration_words(0) == "0 ms");
    CHECK(duration_words(999) == "999 ms");
    CHECK(duration_words(1'000) == "1 s");
    CHECK(duration_words(12'440) == "12.4 s");
    CHECK(duration_words(90'000) == "1 min 30 s");
    CHECK(duration_words(12'000'000) == "3 h 20 min");
    CHECK(duration_words(std::int64_t{98} * 3'600'000) == "4 d 2 h");
}
