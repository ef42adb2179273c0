#include "bench/load_ledger.hpp"

#include <catch2/catch.hpp>

using namespace bench;

TEST_CASE("Answers of the control socket are read in minor units") {
    LedgerTotals totals;
    REQUIRE(read_ledger_answer(R"({"ok":true,"data":{"totals":[{"route":"issuer-a","issuer_owes":"-12.34",)"
                               R"("refunds_in_transit":"0.00","refunds_in_suspense":"5.00"}]}})",
                               totals));
    CHECK(totals.routes.at("issuer-a").issuer_owes == -1'234);
    CHECK(totals.routes.at("issuer-a").refunds_in_suspense == 500);
    REQUIRE(read_ledger_answer(
        R"({"ok":true,"data":{"totals":[{"terminal":"10000001","batch":"000001","sales":2,)"
        R"("sales_amount":"107.00","refunds_and_voids":1,"refunds_and_voids_amount":"40.00"}]}})",
        totals));
    CHECK(totals.terminals.at("10000001") == peers::TerminalTotals{10'700, 2, 4'000, 1});
    CHECK(read_ledger_answer(R"({"ok":false,"error":"refused","text":"viewer may not"})", totals)
              .error()
              .what == "the switch says: viewer may not");
    for (const char* wrong :
         {"", "{}", "[]", R"({"ok":true,"data":{"totals":[{}]}})", R"({"ok":true,"data":{}})"})
        CHECK_FALSE(read_ledger_answer(wrong, totals).has_value());
    CHECK(ask_ledger("").error().what == "no control socket was named");
    CHECK(ask_ledger("/nowhere/control.sock").error().what.find("/nowhere/control.sock") !=
          std::string::npos);
}

TEST_CASE("The ledger's share of the run is compared route by route and terminal by terminal") {
    LoadBooks books;
    books.sold(0, "S1", 1'000);
    books.refunded(0, "R1", 400);
    books.sold(1, "S2", 700);
    const std::map<std::string, peers::TerminalTotals> terminals = {{"10000001", {1'700, 2, 400, 1}}};
    LedgerTotals before, after;
    before.routes["issuer-a"] = {50, 0, 0};
    before.terminals["10000001"] = {10, 1, 0, 0};
    after.routes["issuer-a"] = {650, 0, 0};
    after.routes["issuer-b"] = {700, 0, 0};
    after.terminals["10000001"] = {1'710, 3, 400, 1};
    CHECK(compare_ledger(books, terminals, before, after).empty());

    LedgerTotals wrong = after;
    wrong.routes["issuer-b"].issuer_owes = 701;
    CHECK(compare_ledger(books, terminals, before, wrong).at(0) ==
          "issuer-b owes 701 by the ledger, 700 by the terminals (minor units)");
    wrong = after;
    wrong.routes["issuer-a"].refunds_in_transit = 400;
    CHECK(compare_ledger(books, terminals, before, wrong).at(0) ==
          "issuer-a: refunds of 400 are still in transit");
    wrong = after;
    wrong.routes["issuer-a"].refunds_in_suspense = 400;
    CHECK(compare_ledger(books, terminals, before, wrong).size() == 1);
    wrong = after;
    wrong.terminals["10000001"].credit_count = 2;
    CHECK(compare_ledger(books, terminals, before, wrong).at(0).find("terminal 10000001") == 0);
}
