// I14 of one completion at rest or between turns: it is of an authorization, not above its bound, and the
// only one of it that stands. For `refund-switch --verify` and the simulator's checkers. Pure.
#pragma once

#include <string>

#include "ledger/transaction_record.hpp"

namespace acquirer {

/// Does this completion hold the money, or might it still?
bool stands_as_completion(ledger::State state);
/// Empty: in order. `authorization`: what its record names; null when there is none.
std::string authorization_fault(const ledger::TransactionRecord& completion,
                                const ledger::TransactionRecord* authorization);

}  // namespace acquirer
