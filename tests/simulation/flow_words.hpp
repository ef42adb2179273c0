// The acts of a simulated world in the words of tests/flow: a failing seed becomes a script (shrink.hpp).
#pragma once

#include <string>
#include <string_view>

#include "ledger/transaction_record.hpp"
#include "tests/peers/terminal_model.hpp"

namespace simulation {

/// T1, T2, T9 as tests/flow/flow_terminal.cpp has them.
[[nodiscard]] std::string till_word(const iso8583::TerminalId& terminal);
/// The name of what a terminal sent, by its trace: the same wherever it is spoken of.
[[nodiscard]] std::string name_of(const iso8583::TerminalId& terminal, const iso8583::Stan& stan);
/// … of a record: of its terminal's trace, or of its case's reference.
[[nodiscard]] std::string name_of(const ledger::TransactionRecord& record);
[[nodiscard]] std::string major(std::int64_t minor_units);

}  // namespace simulation
