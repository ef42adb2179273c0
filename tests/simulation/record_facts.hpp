// What one record says of itself, as whoever judges a ledger from outside reads it: by its state and
// postings, without the core. Checkers and watches ask; so do the ends of a run.
//
// Pure. Source: docs/states.md, docs/refund_rules.md.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>

#include "ledger/transaction_record.hpp"

namespace simulation {

inline bool one_of(ledger::State state, std::initializer_list<ledger::State> states) {
    return std::find(states.begin(), states.end(), state) != states.end();
}

/// Does the money stand where the state says? Where it stands while an outcome is unknown depends on what
/// had been before.
[[nodiscard]] bool postings_fit(const ledger::TransactionRecord& record);
/// Does the terminal's 00 still hold in this state, when nothing took it back?
[[nodiscard]] bool approval_holds(const ledger::TransactionRecord& record);
/// Its state contradicts a reversal that was answered 00.
[[nodiscard]] bool contradicts_reversal(const ledger::TransactionRecord& record);
/// R20b: a key of a shared case was taken back, and another still asks for it.
[[nodiscard]] bool is_left_to_others(const ledger::TransactionRecord& record);
/// Two people decided what became of it (R71, R72, R74): what was told before is answered by that from then
/// on.
[[nodiscard]] bool people_decided(const ledger::TransactionRecord& record);

/// Kind, RRN, state and amount, for a sentence.
[[nodiscard]] std::string words(const ledger::TransactionRecord& record);

}  // namespace simulation
