// A slip for the customer, as a till's printer has it: 40 columns, in the language that the receipt's `lang`
// names. Pure.
#pragma once

#include <string>

#include "switch/core/view_value.hpp"

namespace acquirer::admin {

std::string receipt_text(const View& receipt);

}  // namespace acquirer::admin
