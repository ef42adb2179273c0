// Texts of response codes (DE39, 1987) for people; the switch's own reasons are in switch/core/refusal.hpp.
// Source: ISO 8583:1987 annex A table A.9, and UnionPay POS for the letters.
#pragma once

#include <string_view>

namespace iso8583 {

/// "insufficient funds"; empty for a code of private meaning.
std::string_view response_code_text(std::string_view two);

}  // namespace iso8583
