// What people said of a refund that they opened, in the words of a view: why, with which proof, of which
// batch.
#pragma once

#include <string>

#include "ledger/transaction_record.hpp"
#include "switch/core/view_value.hpp"

namespace acquirer {

/// reason, note, proof, reference, batch, batch_line, maker, checker: those that there are.
void put_people(View& view, const ledger::TransactionRecord& record);
/// Sentences for explain; empty when nobody said anything.
std::string people_sentence(const ledger::TransactionRecord& record);
/// reason, note, proof: for the customer's slip.
void put_reason(View& view, const ledger::TransactionRecord& record);

}  // namespace acquirer
