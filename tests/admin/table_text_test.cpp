// What people see of rows: a table that fits, and says what it left out.
#include <catch2/catch.hpp>
#include <string>

#include "switch/admin/table_text.hpp"

using namespace acquirer::admin;
using acquirer::View;

namespace {

View transaction(const std::string& rrn, const std::string& state) {
    return View::object()
        .put("rrn", rrn)
        .put("kind", "sale")
        .put("state", state)
        .put("amount", "100.00")
        .put("code", "00")
        .put("card", "621234*********0003")
        .put("merchant", "898110157220001")
        .put("terminal", "10000901")
        .put("batch", "000001")
        .put("trace", "000002")
        .put("authorization", "271828")
        .put("route", "issuer-a")
        .put("time", "2026-11-22T07:01:20.191+08:00");
}

View::List two_transactions() {
    return {transaction("632625280191", "approved"), transaction("632625280192", "abnormal")};
}

std::size_t longest_line(const std::string& text) {
    std::size_t longest = 0;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
        longest = std::max(longest, text.find('\n', at) - at);
    return longest;
}

}  // namespace

TEST_CASE("a table that is too wide loses times' years, then the columns needed least, and says which") {
    const std::string text = table_text(two_transactions(), {});
    CHECK(text ==
          "RRN           KIND  STATE     AMOUNT  CODE  CARD                 TERMINAL  TIME\n"
          "632625280191  sale  approved  100.00  00    621234*********0003  10000901  11-22 07:01:20+08:00\n"
          "632625280192  sale  abnormal  100.00  00    621234*********0003  10000901  11-22 07:01:20+08:00\n"
          "not shown: authorization, trace, batch, merchant, route (--wide shows all)\n");
    CHECK(longest_line(text) <= table_columns);
}

TEST_CASE("--wide: every column, as it is") {
    const std::string text = table_text(two_transactions(), {false, 0});
    CHECK(text.find("AUTHORIZATION") != std::string::npos);
    CHECK(text.find("2026-11-22T07:01:20.191+08:00") != std::string::npos);
    CHECK(text.find("not shown") == std::string::npos);
}

TEST_CASE("a table that fits is not touched") {
    const View::List rows = {
        View::object().put("route", "issuer-a").put("since", "2026-11-22T07:01:20.191+08:00"),
        View::object().put("route", "issuer-b").put("since", "")};
    CHECK(table_text(rows, {}) == "ROUTE     SINCE\nissuer-a  2026-11-22T07:01:20.191+08:00\nissuer-b  -\n");
}

TEST_CASE("a long text stands below its row, whole: a way out is copied from there") {
    const std::string way_out =
        "abnormal resolve 632625280191 --retry|--merchant-account|--alternative-account REF|--cancel";
    const View::List rows = {View::object()
                                 .put("id", "632625280191-00000003")
                                 .put("kind", "refund_abnormal")
                                 .put("text", "the issuer refuses it finally with 14")
                                 .put("times", 1)
                                 .put("way_out", way_out)};
    CHECK(table_text(rows, {}) ==
          "ID                     KIND             TEXT                                   TIMES\n"
          "632625280191-00000003  refund_abnormal  the issuer refuses it finally with 14      1\n"
          "    way out: " +
              way_out + "\n");
}

TEST_CASE("short cells of a column with long ones stay in it") {
    const std::string policy =
        "365 days, at most 500.00, 5 a terminal and day, 100.00 on one card in 30 days";
    const View::List rows = {
        View::object().put("merchant", "898110157220001").put("name", "Harbour").put("policy", "365 days"),
        View::object().put("merchant", "898110157220005").put("name", "Bakery").put("policy", policy)};
    CHECK(table_text(rows, {}) ==
          "MERCHANT         NAME     POLICY\n898110157220001  Harbour  365 days\n898110157220005  Bakery   "
          "(below)\n"
          "    policy: " +
              policy + "\n");
}

TEST_CASE("columns without content go before anything else") {
    View::List rows = two_transactions();
    View::List same;
    for (const View& row : rows) {
        View bare = View::object();
        for (const auto& [name, value] : *row.members())
            bare.put(name,
                     name == "authorization" || name == "card" || name == "merchant" ? View("") : value);
        same.push_back(bare);
    }
    const std::string text = table_text(same, {});
    CHECK(text.find("CARD") == std::string::npos);
    CHECK(text.find("not shown") == std::string::npos);
    CHECK(text.find("TRACE") != std::string::npos);
    CHECK(longest_line(text) <= table_columns);
}

TEST_CASE("states have a colour, on request, and no column moves by it") {
    const std::string plain = table_text(two_transactions(), {});
    std::string colored = table_text(two_transactions(), {true, table_columns});
    CHECK(colored.find("\x1b[32mapproved\x1b[0m") != std::string::npos);
    CHECK(colored.find("\x1b[31mabnormal\x1b[0m") != std::string::npos);
    for (const char* code : {"\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"})
        for (std::size_t at = 0; (at = colored.find(code)) != std::string::npos;)
            colored.erase(at, std::string_view(code).size());
    CHECK(colored == plain);
}

TEST_CASE("a column that alone is too wide is shown nevertheless") {
    const View::List rows = {View::object().put("digest", std::string(120, 'a'))};
    CHECK(table_text(rows, {}) == "DIGEST\n" + std::string(120, 'a') + "\n");
}
