// Which rows of the state table no test took, from what the test programs left behind (tests/test_main.cpp).
#pragma once

#include <iosfwd>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "switch/core/transaction_state.hpp"

namespace transitions {

using Move = std::tuple<ledger::TransactionKind, ledger::State, ledger::State>;

/// Reads "KIND FROM TO TIMES" lines; what is none is passed over (another version of a program wrote it).
std::set<Move> read_moves(std::istream& in);

struct Verdict {
    std::vector<std::string> not_taken;  // rows that no program took
};
Verdict judge(std::span<const acquirer::Transition> table, const std::set<Move>& taken);

}  // namespace transitions
