// What a state means, for somebody behind a counter: the rest of a sentence that begins with "It is". What
// kinds of transactions are called in lists and on slips, and accounts. Pure.
#pragma once

#include <array>
#include <string_view>

#include "ledger/transaction_record.hpp"

namespace acquirer {

/// Of every state its own; never empty.
std::string_view state_words(ledger::State state);

/// The words of KIND. A completion is stored as the sale that it is, the void of an authorization as a void;
/// people ask for them by words of their own.
inline constexpr std::array<std::string_view, 6> kind_words{
    "sale", "void", "refund", "authorization", "completion", "authorization_void"};
/// Which of them a transaction is.
std::string_view kind_word(const ledger::TransactionRecord& record);
/// "issuer_receivable" …: what people read of a posting.
std::string_view account_word(ledger::Account account);

}  // namespace acquirer
