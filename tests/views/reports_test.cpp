// Reports over a ledger made by hand: golden texts, scopes, and what is said when not all was read.
#include <set>

#include "switch/admin/control_protocol.hpp"
#include "switch/admin/list_client.hpp"
#include "switch/admin/row_file.hpp"
#include "switch/admin/text_view.hpp"
#include "switch/views/dwell_times.hpp"
#include "switch/views/report_days.hpp"
#include "switch/views/reports.hpp"
#include "tests/views/golden_text.hpp"
#include "tests/views/report_ledger.hpp"

using namespace acquirer;
using namespace acquirer::admin;
using ledger::TransactionKind;
using sample::ReportWorld;

namespace {

std::string shown(const ViewResult& view) {
    return view ? text_of(*view, {}) : "error: " + view.error().what;
}

iso8583::BusinessDate day_of(int month, int day) {
    return {iso8583::Date{2026, static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day)}};
}

ListQuery of_merchant(char digit) {
    ListQuery scope;
    scope.merchant = iso8583::MerchantId::parse(std::string("89811015722000") + digit).value();
    return scope;
}

std::vector<std::string> texts(const ViewResult& view, const char* rows, const char* member) {
    std::vector<std::string> found;
    REQUIRE(view);
    for (const View& row : *view->find(rows)->items()) found.push_back(*row.find(member)->text());
    return found;
}

}  // namespace

TEST_CASE("reports: golden texts") {
    const ReportWorld world;
    const ViewContext context = world.context();
    golden::check("report_reasons", shown(view_report_reasons(context, {})));
    golden::check("report_ratio", shown(view_report_ratio(context, {}, RatioBy::merchant)));
    golden::check("report_ratio_terminal", shown(view_report_ratio(context, {}, RatioBy::terminal)));
    golden::check("report_ratio_day", shown(view_report_ratio(context, {}, RatioBy::day)));
    golden::check("report_expiring", shown(view_report_expiring(context, {}, 7)));
    golden::check("report_ageing", shown(view_report_ageing(context, {})));
    golden::check("report_funnel", shown(view_report_funnel(context, {}, TransactionKind::refund)));
    golden::check("report_funnel_sales", shown(view_report_funnel(context, {}, TransactionKind::sale)));
    const auto ratio = view_report_ratio(context, {}, RatioBy::merchant);
    REQUIRE(ratio);
    golden::check("report_ratio_json", write_answer({AnswerError::none, "", *ratio}) + "\n");
}

TEST_CASE("reports: of some days, a merchant, a route") {
    const ReportWorld world;
    const ViewContext context = world.context();
    ListQuery first;
    first.from = first.to = day_of(11, 19);
    CHECK(texts(view_report_reasons(context, first), "reasons", "reason") ==
          std::vector<std::string>{"", "quality"});
    CHECK(texts(view_report_reasons(context, of_merchant('2')), "reasons", "reason") ==
          std::vector<std::string>{"service"});
    ListQuery route;
    route.route = "issuer-b";
    CHECK(texts(view_report_reasons(context, route), "reasons", "reason").empty());
    CHECK(texts(view_report_expiring(context, of_merchant('4'), 7), "sales", "rrn") ==
          std::vector<std::string>{"632500000091"});
    CHECK(texts(view_report_ageing(context, of_merchant('2')), "oldest", "oldest") ==
          std::vector<std::string>{"632400000012"});
    CHECK(texts(view_report_ratio(context, of_merchant('2'), RatioBy::terminal), "ratios", "terminal") ==
          std::vector<std::string>{"20000007"});
}

TEST_CASE("reports: what does not exist is an error that names the argument") {
    const ReportWorld world;
    const ViewContext context = world.context();
    ListQuery scope;
    scope.from = day_of(11, 22);
    CHECK(shown(view_report_reasons(context, scope)) ==
          "error: from: 2026-11-22 is no business day of this ledger; they are 2025-11-20 to 2026-11-21");
    scope.from = day_of(11, 21);
    scope.to = day_of(11, 20);
    CHECK(shown(view_report_funnel(context, scope, TransactionKind::refund)) ==
          "error: from: is later than to: no day lies between them");
    scope = {};
    scope.from = iso8583::BusinessDate{{2025, 11, 20}};
    CHECK(shown(view_report_ratio(context, scope, RatioBy::day)) ==
          "error: from: more than 366 days are no report");
    CHECK(shown(view_report_ageing(context, of_merchant('9'))) ==
          "error: merchant: no merchant 898110157220009 is configured");
    ListQuery route;
    route.route = "issuer-x";
    CHECK(shown(view_report_expiring(context, route, 7)) ==
          "error: route: no route of that name is configured; did you mean issuer-a?");
    for (const char* wrong : {"sales.behind this", "reasons.1", "sales.2026-11-28/"}) {
        ListQuery after;
        after.after = wrong;
        CHECK(shown(view_report_expiring(context, after, 7))
                  .starts_with("error: after: is no cursor of this list"));
    }
}

TEST_CASE("reports: the list of what expires goes on where it ended, and misses and repeats nothing") {
    const ReportWorld world;
    ListQuery one;
    one.limit = 1;
    std::vector<std::string> all;
    for (int pages = 0; pages < 10; ++pages) {
        const auto page = view_report_expiring(world.context(), one, 7);
        for (std::string& rrn : texts(page, "sales", "rrn")) all.push_back(std::move(rrn));
        CHECK(*page->find("count")->number() == 3);
        if (page->find("next") == nullptr) break;
        one.after = *page->find("next")->text();
    }
    CHECK(all == std::vector<std::string>{"532500000001", "632500000091", "532600000001"});
    // The window of one more ends ten days later.
    CHECK(texts(view_report_expiring(world.context(), {}, 11), "sales", "rrn").size() == 4);
}

TEST_CASE("reports: rows of every report are columns of one file") {
    const ReportWorld world;
    const ViewContext context = world.context();
    for (const auto& view :
         {view_report_reasons(context, {}), view_report_ratio(context, {}, RatioBy::merchant),
          view_report_ratio(context, {}, RatioBy::day), view_report_expiring(context, {}, 7),
          view_report_ageing(context, {}), view_report_funnel(context, {}, TransactionKind::refund)}) {
        REQUIRE(view);
        const View* rows = rows_of(*view);
        REQUIRE(rows != nullptr);
        std::vector<std::string> columns;
        for (const auto& [member, value] : *rows->items()->front().members()) columns.push_back(member);
        for (const View& row : *rows->items()) CHECK(csv_line(columns, row));
    }
}

TEST_CASE("reports: a record that cannot be read is said, not skipped") {
    ReportWorld world;
    sample::keep(world.store, ledger::Family::journal, ledger::transaction_key(sample::rrn("632400000001")),
                 "damaged");
    CHECK(shown(view_report_reasons(world.context(), {}))
              .starts_with("error: the ledger's record cannot be read: "));
    world.store.fail_reads(ledger::StoreError{ledger::StoreError::Kind::io, "read: input/output error"});
    CHECK(shown(view_report_ageing(world.context(), {})) ==
          "error: the ledger could not be read: read: input/output error");
}

TEST_CASE("reports: a transaction is counted in its business day, whatever dates that day had") {
    ReportWorld world;
    // Yesterday's business day was closed this morning: a transaction of it is numbered under today's date.
    auto late = sample::refund_of("632500000095", 100, 0, "mistake", 5);
    late.business_date = day_of(11, 20);
    sample::keep(world.store, late);
    ListQuery yesterday;
    yesterday.from = yesterday.to = day_of(11, 20);
    const auto reasons = texts(view_report_reasons(world.context(), yesterday), "reasons", "reason");
    CHECK(reasons == std::vector<std::string>{"service", "mistake"});
    ListQuery today;
    today.from = day_of(11, 21);
    const auto others = texts(view_report_reasons(world.context(), today), "reasons", "reason");
    CHECK(std::find(others.begin(), others.end(), "mistake") == others.end());
}

TEST_CASE("reports: days are read newest first, and each is given away once it is whole") {
    const ReportWorld world;
    std::vector<std::string> sealed;
    std::set<std::string> visited;
    const auto read = read_days(
        world.context(), {day_of(11, 19), day_of(11, 21)},
        [&](const ledger::TransactionRecord& r) {
            CHECK(visited.insert(r.rrn.str()).second);
            // None of a day that was given away.
            CHECK(std::find(sealed.begin(), sealed.end(), r.business_date.date.iso()) == sealed.end());
        },
        [&](iso8583::BusinessDate day) { sealed.push_back(day.date.iso()); });
    REQUIRE(read);
    CHECK(sealed == std::vector<std::string>{"2026-11-21", "2026-11-20", "2026-11-19"});
    CHECK(read->note.empty());
    CHECK(visited.size() == 20);
}

TEST_CASE("reports: at the bound whole days are left out, newest kept, and a sentence says so") {
    const ReportWorld world;
    struct Row {
        std::size_t records_max;
        std::vector<std::string> sealed;
        std::string note;
    };
    // 7 transactions of today, 5 of yesterday, 8 of the day before; each date ends when the next was begun.
    const Row rows[] = {
        {3, {"2026-11-21"}, "only a part of 2026-11-21 is counted: 3 records were read"},
        {11,
         {"2026-11-21"},
         "days before 2026-11-21 are left out: 11 records were read; --to 2026-11-20 goes on there"},
        {12,
         {"2026-11-21", "2026-11-20"},
         "days before 2026-11-20 are left out: 12 records were read; --to 2026-11-19 goes on there"},
        {20, {"2026-11-21", "2026-11-20", "2026-11-19"}, ""},
    };
    for (const Row& row : rows) {
        std::vector<std::string> sealed;
        const auto read = read_days(
            world.context(), {day_of(11, 19), day_of(11, 21)}, [](const ledger::TransactionRecord&) {},
            [&](iso8583::BusinessDate day) { sealed.push_back(day.date.iso()); }, row.records_max);
        REQUIRE(read);
        CHECK(sealed == row.sealed);
        CHECK(read->note == row.note);
        CHECK(read->days.from.date.iso() == row.sealed.back());
        CHECK(read->records == row.records_max);
    }
}

TEST_CASE("dwell times: percentiles are within a step of the truth, and merge") {
    DwellTimes all, half, other_half;
    for (std::int64_t ms = 1; ms <= 10'000; ++ms) {
        all.add_ms(ms);
        (ms % 2 == 0 ? half : other_half).add_ms(ms);
    }
    half.add(other_half);
    for (const double fraction : {0.1, 0.5, 0.9, 0.99}) {
        const double truth = fraction * 10'000;
        CHECK(static_cast<double>(all.percentile_ms(fraction)) >= truth);
        CHECK(static_cast<double>(all.percentile_ms(fraction)) <= truth * 1.0625);
        CHECK(half.percentile_ms(fraction) == all.percentile_ms(fraction));
    }
    CHECK(all.percentile_ms(1) == 10'000);
    DwellTimes edges;
    for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{15}, std::int64_t{16}, std::int64_t{1} << 50})
        edges.add_ms(ms);
    CHECK(edges.percentile_ms(0.25) == 0);
    CHECK(edges.percentile_ms(0.5) == 15);
    CHECK(edges.percentile_ms(0.75) == 16);
    CHECK(edges.longest_ms() == std::int64_t{1} << 50);
    CHECK(edges.count() == 4);
    CHECK(DwellTimes{}.percentile_ms(0.5) == 0);
}
