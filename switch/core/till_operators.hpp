// Who stood at a till: the operator number of a terminal's sign-on (DE63.1), and whether a person of
// refundctl is that operator. Pure. Source: docs/refund_rules.md, R28 and "Ways out".
#pragma once

#include <string>
#include <string_view>

#include "ledger/transaction_record.hpp"
#include "switch/core/configuration.hpp"

namespace acquirer {

/// DE63.1: the first three characters of DE63 without the blanks that fill it up; empty when it is absent or
/// no digits and letters.
std::string till_operator_number(std::string_view private_63);
/// Did this person make it at a till, or ask for the same case at another (R20b)? Never without
/// `terminal_operators` of the person.
bool is_till_operator_of(const Configuration& configuration, const std::string& person,
                         const ledger::TransactionRecord& record);

}  // namespace acquirer
