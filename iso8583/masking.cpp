#include "iso8583/masking.hpp"

#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/pan.hpp"

namespace iso8583 {

namespace {

constexpr std::size_t card_digits_min = 13;
constexpr std::size_t card_digits_max = 19;

/// ISO/IEC 7812 annex B.
bool check_digit_ok(std::string_view digits) {
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        int d = digits[digits.size() - 1 - i] - '0';
        if (i % 2 == 1) d = d > 4 ? 2 * d - 9 : 2 * d;
        sum += d;
    }
    return sum % 10 == 0;
}

void hide_middle(std::string& text, std::size_t begin, std::size_t size) {
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(begin + 6), size - 10, '*');
}

std::string printable(Content content, std::string_view canonical) {
    return content == Content::b ? to_hex(as_bytes(canonical)) : std::string(canonical);
}

}  // namespace

std::string mask_card_numbers(std::string text) {
    for (std::size_t i = 0; i < text.size();) {
        if (!is_digit(text[i])) {
            ++i;
            continue;
        }
        std::size_t end = i;
        while (end < text.size() && is_digit(text[end])) ++end;
        const std::size_t size = end - i;
        const std::string_view run = std::string_view(text).substr(i, size);
        const bool zeros = run.find_first_not_of('0') == std::string_view::npos;
        if (size >= card_digits_min && size <= card_digits_max && !zeros && check_digit_ok(run))
            hide_middle(text, i, size);
        i = end;
    }
    return text;
}

std::string mask_card_numbers_anywhere(std::string hex) {
    std::string out = hex;
    for (std::size_t i = 0; i < hex.size(); ++i) {
        for (std::size_t size = card_digits_min; size <= card_digits_max && i + size <= hex.size(); ++size) {
            const std::string_view window = std::string_view(hex).substr(i, size);
            if (!all_digits(window)) break;
            if (window.front() != '0' && check_digit_ok(window)) hide_middle(out, i, size);
        }
    }
    return out;
}

std::string masked_content(Content content, Secret secret, std::string_view canonical) {
    switch (secret) {
        case Secret::pan: {
            // A letter inside (an extended or account number) hides all of it.
            const std::size_t end = canonical.find_last_not_of(content == Content::b ? 'F' : ' ');
            const std::string text = printable(content, canonical);
            const std::size_t size = content == Content::b ? text.find_last_not_of('F') + 1 : end + 1;
            return mask_pan_text(std::string_view(text).substr(0, size)) +
                   std::string(text.size() - size, '*');
        }
        case Secret::track:
        case Secret::pin:
        case Secret::key:
            return std::string(printable(content, canonical).size(), '*');
        case Secret::none:
            break;
    }
    switch (content) {
        case Content::a:
        case Content::an:
        case Content::ns:
        case Content::ans:
        case Content::ansg:
        case Content::z:
            return mask_card_numbers(std::string(canonical));
        case Content::b:
            return printable(content, canonical);
        case Content::n:
        case Content::xn:
            break;
    }
    return std::string(canonical);
}

}  // namespace iso8583
