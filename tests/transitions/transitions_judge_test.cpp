// What the last ctest says of rows that were taken, not taken, and planned.
#include <array>
#include <catch2/catch.hpp>
#include <sstream>

#include "tests/transitions/transitions_judge.hpp"

using ledger::State;
using ledger::TransactionKind;

TEST_CASE("a row that no test takes is named, and so is a planned one that is taken", "[states]") {
    const std::array table = {
        acquirer::Transition{TransactionKind::sale, State::intent, State::sent, "R1"},
        acquirer::Transition{TransactionKind::sale, State::sent, State::declined, "R2"},
        acquirer::Transition{TransactionKind::refund, State::abnormal, State::cancelled, "R55", true},
        acquirer::Transition{TransactionKind::refund, State::parked, State::approved, "R51", true}};
    std::istringstream left("1 1 2 7\nnot a line\n3 22 3 1\n");
    const auto verdict = transitions::judge(table, transitions::read_moves(left));
    CHECK(verdict.not_taken == std::vector<std::string>{"sale: sent -> declined (R2)"});
    CHECK(verdict.not_planned == std::vector<std::string>{"refund: parked -> approved (R51)"});
}

TEST_CASE("move refuses a row that is planned, and tells the observer of the others", "[states]") {
    CHECK(acquirer::state_table::exists(TransactionKind::sale, State::intent, State::sent));
    for (const acquirer::Transition& row : acquirer::state_table::transitions)
        CHECK(acquirer::state_table::exists(row.kind, row.from, row.to) == !row.planned);
    static int told = 0;
    const auto before = acquirer::transition_observer;
    acquirer::transition_observer = [](TransactionKind, State, State) { ++told; };
    ledger::TransactionRecord record;
    record.kind = TransactionKind::sale;
    record.state = State::intent;
    acquirer::move(record, State::sent, "R1", {});
    acquirer::transition_observer = before;
    CHECK(told == 1);
}
