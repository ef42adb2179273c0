// Tagged text: what wallets' data elements hold (DE59 of unionpay-pos, DE48 of ISO): a tag of two characters,
// three digits of length, so many characters; one after the other. Pure; views point into the text. Errors
// name the offset and never content. Source: docs/wire.md, docs/instruments.md.
#pragma once

#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace iso8583 {

inline constexpr std::size_t text_tag_size = 2;
inline constexpr std::size_t tagged_text_size_max = 999;  // of one value: its length has three digits

/// The value of the first element with that tag; empty when none has it. A fault when the text does not
/// consist of such elements throughout.
Result<std::string_view> tagged_value(std::string_view text, std::string_view tag);

/// Tag, length and value; ENSUREs that they fit.
std::string tagged_text(std::string_view tag, std::string_view value);

/// The tags that terminals and wallets have unless a configuration names others. A configuration may not give
/// payment codes the order number's, which is shown.
inline constexpr std::string_view payment_code_tag_usual = "A3";
inline constexpr std::string_view order_number_tag_usual = "A4";

/// No wallet's payment code is shorter.
inline constexpr std::size_t payment_code_digits_min = 10;
inline constexpr std::size_t payment_code_digits_max = 40;
/// So many digits and nothing else: what an element of a tag that nobody explains may not show.
[[nodiscard]] bool may_be_payment_code(std::string_view value);

/// What people must not see of a payment code becomes stars, whatever tag a configuration gives it: the
/// digits behind "A3" and its length wherever in a text they stand; in a text that consists of elements, also
/// a last one that is cut off, each value that may be a payment code, but for an order number ("A4").
std::string mask_payment_codes(std::string text);

}  // namespace iso8583
