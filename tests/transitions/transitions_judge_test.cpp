// What the last ctest says of rows that were taken, not taken.
#include <array>
#include <catch2/catch.hpp>
#include <sstream>

#include "tests/transitions/transitions_judge.hpp"

using ledger::State;
using ledger::TransactionKind;

TEST_CASE("a row that no test takes is named", "[states]") {
    const std::array table = {
        acquirer::Transition{TransactionKind::sale, State::intent, State::sent, "R1"},
        acquirer::Transition{TransactionKind::sale, State::sent, State::declined, "R2"},
        acquirer::Transition{TransactionKind::refund, State::abnormal, State::cancelled, "R55"},
        acquirer::Transition{TransactionKind::refund, State::parked, State::approved, "R51"}};
    std::istringstream left("1 1 2 7\nnot a line\n3 22 3 1\n");
    const auto verdict = transitions::judge(table, transitions::read_moves(left));
    CHECK(verdict.not_taken ==
          std::vector<std::string>{"sale: sent -> declined (R2)", "refund: abnormal -> cancelled (R55)"});
}

TEST_CASE("move tells the observer", "[states]") {
    CHECK(acquirer::state_table::exists(TransactionKind::sale, State::intent, State::sent));
    CHECK_FALSE(acquirer::state_table::exists(TransactionKind::sale, State::intent, State::approved));
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
