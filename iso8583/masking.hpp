// What people may see of a field: card data masked, PIN, track and keys hidden. Fails closed: what cannot be
// read as what it should be, is hidden whole. One place, used by describe in all its forms. Source: PCI
// DSS 3.4 (first 6 and last 4 of a PAN at most); docs/dialects.md.
#pragma once

#include <string>
#include <string_view>

#include "iso8583/field_spec.hpp"

namespace iso8583 {

/// Canonical content with a '*' for each unit that is hidden; of the same length. b: two hex characters a
/// byte.
std::string masked_content(Content content, Secret secret, std::string_view canonical);

/// Text with every run of 13 to 19 digits that has the check digit of a card number masked like one; a blank
/// or dash may stand between its groups. In a longer run, what could be a card number of one of the schemes.
std::string mask_card_numbers(std::string text);

/// Bytes as hex without a card number in them, be it in characters or in packed digits.
std::string mask_card_numbers_in_bytes(std::string_view bytes);

/// The same for hex that could not be taken apart: any stretch of digits in it that could be a card number.
std::string mask_card_numbers_anywhere(const std::string& hex);

}  // namespace iso8583
