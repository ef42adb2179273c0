// While another process may already own the ledger nothing leaves that was not written under the fence.
#include <catch2/catch.hpp>

#include "tests/core/desk.hpp"

using namespace desk;

TEST_CASE("R62 what a turn that wrote nothing decided waits while the lease may be over", "[R62]") {
    Desk d;
    Ask sale;
    sale.trace = d.next_trace();
    const auto first = d.ask(sale);
    REQUIRE(first);
    REQUIRE(first->code == "00");
    sale.repeat = true;

    d.store().set_may_answer(false);
    const std::uint64_t turn = d.store_turn();
    // Its answer is known, so that nothing is written: another owner may have undone the sale since.
    CHECK_FALSE(d.ask(sale));
    CHECK(d.store_turn() == turn);
    const std::size_t answered = d.answers.size();
    d.accept_new_work(true);
    CHECK(d.answers.size() == answered);

    d.store().set_may_answer(true);
    d.accept_new_work(true);  // as the shell looks at its store
    REQUIRE(d.answers.size() == answered + 1);
    CHECK(d.answers.back().code == "00");
    CHECK(d.answers.back().rrn == first->rrn);
}

TEST_CASE("R62 what was written leaves whatever the lease: the fence let it through", "[R62]") {
    Desk d;
    d.store().set_may_answer(false);
    Ask sale;
    sale.trace = d.next_trace();
    const auto answer = d.ask(sale);
    REQUIRE(answer);
    CHECK(answer->code == "00");
}
