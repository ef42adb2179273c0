// What a state means, for somebody behind a counter: the rest of a sentence that begins with "It is". Pure.
#pragma once

#include <string_view>

#include "ledger/transaction_record.hpp"

namespace acquirer {

/// Of every state its own; never empty.
std::string_view state_words(ledger::State state);

}  // namespace acquirer
