#include "tests/transitions/transitions_judge.hpp"

#include <istream>
#include <sstream>

namespace transitions {

std::set<Move> read_moves(std::istream& in) {
    std::set<Move> moves;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        int kind = 0, from = 0, to = 0;
        if (words >> kind >> from >> to)
            moves.emplace(static_cast<ledger::TransactionKind>(kind), static_cast<ledger::State>(from),
                          static_cast<ledger::State>(to));
    }
    return moves;
}

Verdict judge(std::span<const acquirer::Transition> table, const std::set<Move>& taken) {
    Verdict verdict;
    for (const acquirer::Transition& row : table) {
        if (taken.contains({row.kind, row.from, row.to})) continue;
        const std::string text = std::string(ledger::name(row.kind)) + ": " +
                                 std::string(ledger::name(row.from)) + " -> " +
                                 std::string(ledger::name(row.to)) + " (" + std::string(row.rules) + ")";
        verdict.not_taken.push_back(text);
    }
    return verdict;
}

}  // namespace transitions
