// A small ledger with every kind of record in it, always the same: what the golden data directories hold
// (docs/ledger_format.md, "Formats") and what a migrated one is compared with. Do not change what it writes:
// the directory of format 1 was made by it and can not be made again.
#pragma once

#include <string>

#include "ledger/pan_vault.hpp"
#include "ledger/store.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger_test {

/// The key that the golden PANs are sealed under.
ledger::PanVault golden_vault();
inline constexpr std::string_view golden_card = "6212345678900000003";

/// Every field set, by kinds: sales with refunds, a chargeback and a void, refunds in all their ways.
std::vector<ledger::TransactionRecord> golden_transactions();

/// So many turns: a checkpoint and a few turn records after it.
inline constexpr int golden_turns_first = 1'030;
void write_golden_ledger_first(ledger::Store& store);
/// After a restart: into a store that the first part was written to.
void write_golden_ledger_second(ledger::Store& store);

}  // namespace ledger_test
