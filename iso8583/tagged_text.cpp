#include "iso8583/tagged_text.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {
namespace {

constexpr std::size_t length_digits = 3;
constexpr std::size_t head_size = text_tag_size + length_digits;

std::optional<std::size_t> length_at(std::string_view text, std::size_t at) {
    const std::string_view digits = text.substr(std::min(at, text.size()), length_digits);
    if (digits.size() != length_digits || !all_digits(digits)) return std::nullopt;
    std::size_t value = 0;
    for (const char c : digits) value = value * 10 + static_cast<std::size_t>(c - '0');
    return value;
}

struct Element {
    std::string_view tag;
    std::size_t begin = 0, size = 0;  // of its value, in the text
    bool cut_off = false;             // it says that it is longer
};

/// All of them, or nothing when the text does not consist of elements; the last one may be cut off when its
/// tag has a letter and its length is that of a payment code: other texts of digits are no elements.
std::optional<std::vector<Element>> elements_of(std::string_view text) {
    std::vector<Element> all;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = length_at(text, at + text_tag_size);
        if (!length) return std::nullopt;
        const std::string_view tag = text.substr(at, text_tag_size);
        const std::size_t rest = text.size() - at - head_size;
        const bool is_code_cut_off =
            *length >= payment_code_digits_min && *length <= payment_code_digits_max && !all_digits(tag);
        if (*length > rest && !is_code_cut_off) return std::nullopt;
        all.push_back({tag, at + head_size, std::min(*length, rest), *length > rest});
        at += head_size + *length;
    }
    return all;
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
    return std::string(tag) + zero_padded(value.size(), length_digits) + std::string(value);
}

bool may_be_payment_code(std::string_view value) {
    return value.size() >= payment_code_digits_min && all_digits(value);
}

std::string mask_payment_codes(std::string text) {
    if (const auto elements = elements_of(text)) {
        for (const Element& element : *elements) {
            const std::string_view value = std::string_view(text).substr(element.begin, element.size);
            const bool is_code = may_be_payment_code(value) || (element.cut_off && all_digits(value));
            if (is_code && element.tag != order_number_tag_usual)
                std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(element.begin), element.size, '*');
        }
    }
    for (std::size_t at = text.find(payment_code_tag_usual); at != std::string::npos;
         at = text.find(payment_code_tag_usual, at + 1)) {
        const auto length = length_at(text, at + text_tag_size);
        if (!length) continue;
        // What is cut off, or longer than it says, is hidden as far as it goes.
        std::size_t end = at + head_size;
        while (end < text.size() && is_digit(text[end])) text[end++] = '*';
    }
    return text;
}

}  // namespace iso8583
