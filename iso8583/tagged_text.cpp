#include "iso8583/tagged_text.hpp"

#include <algorithm>
#include <optional>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {
namespace {

constexpr std::size_t length_digits = 3;
constexpr std::size_t head_size = text_tag_size + length_digits;
constexpr std::string_view payment_code_tag = "A3";

std::optional<std::size_t> length_at(std::string_view text, std::size_t at) {
    const std::string_view digits = text.substr(std::min(at, text.size()), length_digits);
    if (digits.size() != length_digits || !all_digits(digits)) return std::nullopt;
    std::size_t value = 0;
    for (const char c : digits) value = value * 10 + static_cast<std::size_t>(c - '0');
    return value;
}

}  // namespace

Result<std::string_view> tagged_value(std::string_view text, std::string_view tag) {
    std::string_view found;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = length_at(text, at + text_tag_size);
        if (!length || at + head_size + *length > text.size())
            return parse_error(
                "offset " + std::to_string(at) +
                ": a tag of 2 characters, 3 digits of length and so many characters are needed");
        if (found.empty() && text.substr(at, text_tag_size) == tag)
            found = text.substr(at + head_size, *length);
        at += head_size + *length;
    }
    return found;
}

std::string tagged_text(std::string_view tag, std::string_view value) {
    ENSURE(tag.size() == text_tag_size && value.size() <= tagged_text_size_max);
    const std::string length = std::to_string(value.size());
    return std::string(tag) + std::string(length_digits - length.size(), '0') + length + std::string(value);
}

std::string mask_payment_codes(std::string text) {
    for (std::size_t at = text.find(payment_code_tag); at != std::string::npos;
         at = text.find(payment_code_tag, at + 1)) {
        const auto length = length_at(text, at + text_tag_size);
        if (!length) continue;
        // What is cut off, or longer than it says, is hidden as far as it goes.
        std::size_t end = at + head_size;
        while (end < text.size() && is_digit(text[end])) text[end++] = '*';
    }
    return text;
}

}  // namespace iso8583
