// Letters of a currency, as people read them. Pure. Source: ISO 4217, list one.
#pragma once

#include <string>

#include "iso8583/values/amount.hpp"

namespace iso8583 {

/// "CNY"; the three digits for a number that ISO 4217 gives to none.
std::string currency_letters(Currency currency);

}  // namespace iso8583
