// The order of checks is told once, in check_list.hpp: it is the precedence of the rules, and that of the
// reasons.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <vector>

#include "switch/core/check_list.hpp"
#include "tests/core/desk.hpp"

using namespace acquirer;
using ledger::TransactionKind;

TEST_CASE("for each kind the reasons, each at its first place, stand in the order of Refusal",
          "[precedence]") {
    for (const std::uint8_t kind :
         {check_of::sales, check_of::voids, check_of::refunds, check_of::authorizations,
          check_of::authorization_voids, check_of::completions})
        for (const Profile profile : {Profile::unionpay_pos, Profile::iso87}) {
            std::vector<Refusal> first_places;
            for (const Check& check : check_list)
                if (check.judges(kind, profile))
                    for (const Refusal why : check.refusals)
                        if (why != Refusal::none &&
                            std::find(first_places.begin(), first_places.end(), why) == first_places.end())
                            first_places.push_back(why);
            INFO(static_cast<int>(kind));
            CHECK(first_places.size() > 10);
            CHECK(std::is_sorted(first_places.begin(), first_places.end()));
        }
}

TEST_CASE("the rows of the refusal table stand in the order of Refusal", "[precedence]") {
    const auto rows = all_refusals();
    CHECK(std::is_sorted(rows.begin(), rows.end(),
                         [](const RefusalInfo& a, const RefusalInfo& b) { return a.refusal < b.refusal; }));
}

TEST_CASE("precedence: a retry is answered from a suspended terminal, new work is not", "[R25][precedence]") {
    desk::Desk d;
    desk::Ask first;
    first.trace = d.next_trace();
    REQUIRE(d.ask(first)->code == "00");
    ChangeTerminal suspend;
    suspend.terminal = "10000001";
    suspend.to = ChangeTerminal::To::suspend;
    REQUIRE(d.operate(suspend, "supervisor1", Role::supervisor).done);
    CHECK(d.ask(first)->code == "00");
    desk::Ask other = first;
    other.amount = "000000020000";
    CHECK(d.ask(other)->code == "94");  // the duplicate check stands before the suspension
    desk::Ask next = first;
    next.trace = d.next_trace();
    CHECK(d.ask(next)->code == "97");
}
