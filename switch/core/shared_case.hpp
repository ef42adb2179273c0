// A held refund that several keys of terminals asked for (R20b): who joined it, and which of them took their
// request back. Pure functions of the record; the case ends when the last key is reversed or a person
// decides.
#pragma once

#include "ledger/transaction_record.hpp"
#include "switch/core/request.hpp"

namespace acquirer {

/// The key of a request, or (with the trace and DE7 of its original) of what a reversal names.
ledger::AskingKey asking_key(const TerminalRequest& request);
ledger::AskingKey asking_key(const TerminalRequest& request, iso8583::Stan stan,
                             std::uint32_t transmission_time);

/// True when no further key can join the case (joined_keys_max).
bool is_full(const ledger::TransactionRecord& held);
/// One more key asks for what the case holds. The case is not full.
void join_case(ledger::TransactionRecord& held, ledger::AskingKey key);

/// The digest of the reversal of this key that was answered 00; 0: none was. Of a record that no other key
/// joined, its own.
std::uint64_t reversal_digest_of(const ledger::TransactionRecord& record, const ledger::AskingKey& key);
/// Was this key reversed while others stood? Then its retries get R20a's 12, whatever became of the case.
bool is_taken_back(const ledger::TransactionRecord& record, const ledger::AskingKey& key);
/// Does a key other than this one still ask for it? What operations opened, they ask for.
bool is_asked_by_another(const ledger::TransactionRecord& record, const ledger::AskingKey& key);
/// The key's reversal was answered 00, and others stand.
void take_back(ledger::TransactionRecord& record, const ledger::AskingKey& key,
               std::uint64_t reversal_digest);

}  // namespace acquirer
