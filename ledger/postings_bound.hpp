// How many postings a transaction record may hold; a stored count over it is corruption, which would end the
// process at each start anew. So whatever a peer can repeat at will (a void and its reversal, the late
// approval of what was not found, partial reversals) asks may_begin_again() before it begins another round.
// Source: docs/ledger_format.md.
#pragma once

#include "ledger/transaction_record.hpp"

namespace ledger {

inline constexpr std::size_t postings_max = 64;

/// Is there room for the postings of one more round, of its undoing and of the record's own end; and for
/// those of the partial reversals that may still be refused (R39)?
[[nodiscard]] inline bool may_begin_again(const TransactionRecord& record) {
    constexpr std::size_t postings_of_a_round_max = 4;
    constexpr std::size_t postings_of_a_refusal_max = 2;
    return record.postings.size() + postings_of_a_round_max +
               record.lowering.reversals.size() * postings_of_a_refusal_max <=
           postings_max;
}

}  // namespace ledger
