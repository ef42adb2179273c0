// /metrics as text: what counters of the core become.
#include <catch2/catch.hpp>

#include "switch/io/metrics.hpp"

using namespace acquirer;

namespace {

std::string page_of(std::map<std::string, std::uint64_t> counters) {
    CoreStatus core;
    core.counters = std::move(counters);
    return render_metrics({}, core, {});
}

bool has_line(const std::string& page, const std::string& line) {
    return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("metrics: labels are what they say") {
    struct Row {
        const char* counter;
        const char* line;
    };
    const Row rows[] = {
        {"answered.refund.00", R"(refund_switch_answered_total{kind="refund",code="00"} 7)"},
        {"answered.settlement.00.1",
         R"(refund_switch_answered_total{kind="settlement",code="00",totals="1"} 7)"},
        {"answered.batch_upload_end.77",
         R"(refund_switch_answered_total{kind="batch_upload_end",code="77"} 7)"},
        {"exceptions.reversal_stuck", R"(refund_switch_exceptions_total{kind="reversal_stuck"} 7)"},
        {"operator_refunds.batch", R"(refund_switch_operator_refunds_total{source="batch"} 7)"},
        {"advices.refund.sent", R"(refund_switch_events_total{event="advices.refund.sent"} 7)"},
        {"answered", R"(refund_switch_events_total{event="answered"} 7)"},
        {"exceptionsx.a", R"(refund_switch_events_total{event="exceptionsx.a"} 7)"},
    };
    for (const Row& row : rows) {
        INFO(row.counter);
        CHECK(has_line(page_of({{row.counter, 7}}), row.line));
    }
}

TEST_CASE("metrics: a counter stands in one metric alone, and each metric once") {
    const std::string page = page_of({{"answered.refund.00", 1},
                                      {"answered.sale.00", 2},
                                      {"cut_overs", 3},
                                      {"exceptions.parked", 4},
                                      {"tombstones", 5}});
    for (const char* name : {"answered_total", "exceptions_total", "events_total"}) {
        const std::string type = std::string("# TYPE refund_switch_") + name + " counter\n";
        CHECK(page.find(type) != std::string::npos);
        CHECK(page.find(type) == page.rfind(type));
    }
    CHECK(page.find(R"(event="answered)") == std::string::npos);
    CHECK(page.find(R"(event="exceptions)") == std::string::npos);
    CHECK(has_line(page, R"(refund_switch_events_total{event="tombstones"} 5)"));
}
