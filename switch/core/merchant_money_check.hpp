// The merchants' own money of a whole ledger at rest. I12: the fee that stands of each sale is its terms'
// function of the sale's amount and of the refunds that count, the discount likewise, and a merchant's
// statement adds up to what stands. I13: a reserve was never below 0, and equals the fold of its entries and
// the running total. For `refund-switch --verify` and the simulator.
//
// Reads every transaction and every entry once; memory grows with merchants alone.
#pragma once

#include "ledger/totals.hpp"
#include "switch/core/money_check.hpp"

namespace acquirer {

/// `totals`: those that a ledger over this store recovers.
iso8583::Result<MoneyFaults, ledger::StoreError> find_merchant_money_faults(const ledger::StoreReader& store,
                                                                            const ledger::Totals& totals);
/// What is wrong with one sale's or refund's own figures; empty: nothing.
std::string fault_of_charges(const ledger::TransactionRecord& record);

}  // namespace acquirer
