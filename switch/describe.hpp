// What `refund-switch --describe` prints: the tables the program itself decides by, so that documents cannot
// drift.
#pragma once

#include <string>

namespace acquirer {

/// Every refusal in the order of precedence: rule, DE39 of both profiles, meaning.
std::string describe_rules();
/// Built-in dialects and where their tables come from.
std::string describe_dialects();

}  // namespace acquirer
