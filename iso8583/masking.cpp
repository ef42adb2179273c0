#include "iso8583/masking.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "iso8583/tagged_text.hpp"
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

/// The same of the digits at these places.
void hide_middle(std::string& text, const std::vector<std::size_t>& places) {
    for (std::size_t i = 6; i + 4 < places.size(); ++i) text[places[i]] = '*';
}

bool is_card_number(std::string_view digits) {
    return digits.size() >= card_digits_min && digits.size() <= card_digits_max &&
           digits.find_first_not_of('0') != std::string_view::npos && check_digit_ok(digits);
}

/// Inside a longer run of digits any stretch could pass the check digit; there the lengths that the schemes
/// issue under their first digit (ISO/IEC 7812 industry digits 2 to 6) are looked for. 0: none begins at
/// `at`.
std::size_t card_number_at(std::string_view digits, std::size_t at) {
    struct Row {
        char first;
        std::array<std::size_t, 4> sizes;  // the longest first
    };
    static constexpr std::array<Row, 5> rows{{{'2', {16, 0, 0, 0}},
                                              {'3', {16, 15, 14, 0}},
                                              {'4', {19, 16, 13, 0}},
                                              {'5', {16, 0, 0, 0}},
                                              {'6', {19, 18, 17, 16}}}};
    for (const Row& row : rows) {
        if (digits[at] != row.first) continue;
        for (const std::size_t size : row.sizes)
            if (size > 0 && at + size <= digits.size() && is_card_number(digits.substr(at, size)))
                return size;
    }
    return 0;
}

std::string printable(Content content, std::string_view canonical) {
    return content == Content::b ? to_hex(as_bytes(canonical)) : std::string(canonical);
}

}  // namespace

std::string mask_card_numbers(std::string text) {
    text = mask_payment_codes(std::move(text));
    for (std::size_t i = 0; i < text.size();) {
        if (!is_digit(text[i])) {
            ++i;
            continue;
        }
        // Groups with one blank or dash between them are one number, as people write it.
        std::string digits;
        std::vector<std::size_t> places;
        std::size_t end = i;
        for (; end < text.size(); ++end) {
            if (is_digit(text[end])) {
                digits.push_back(text[end]);
                places.push_back(end);
            } else if ((text[end] != ' ' && text[end] != '-') || end + 1 == text.size() ||
                       !is_digit(text[end + 1])) {
                break;
            }
        }
        const bool in_groups = places.size() != end - i;
        if (in_groups && !is_card_number(digits)) {
            // Then each group is a number of its own.
            end = i;
            while (end < text.size() && is_digit(text[end])) ++end;
            places.resize(end - i);
            digits.resize(end - i);
        }
        if (is_card_number(digits)) {
            hide_middle(text, places);
        } else if (digits.size() > card_digits_max) {
            for (std::size_t at = 0; at < digits.size(); ++at)
                if (const std::size_t size = card_number_at(digits, at); size > 0)
                    hide_middle(text, {places.begin() + static_cast<std::ptrdiff_t>(at),
                                       places.begin() + static_cast<std::ptrdiff_t>(at + size)});
        }
        zeroise(digits.data(), digits.size());
        i = end;
    }
    return text;
}

std::string mask_card_numbers_anywhere(const std::string& hex) {
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

std::string mask_card_numbers_in_bytes(std::string_view bytes) {
    std::string hex = to_hex(as_bytes(bytes));
    // As characters: what is hidden in the text is hidden in its bytes.
    const std::string text = mask_card_numbers(std::string(bytes));
    for (std::size_t i = 0; i < bytes.size(); ++i)
        if (text[i] != bytes[i]) hex.replace(2 * i, 2, "**");
    const bool characters =
        std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (characters) return hex;
    // Packed: digits in nibbles.
    const std::string plain = hex;
    for (std::size_t at = 0; at < plain.size(); ++at) {
        std::size_t run = 0;
        while (at + run < plain.size() && run <= card_digits_max && is_digit(plain[at + run])) ++run;
        if (run < card_digits_min) continue;
        if (const std::size_t size = card_number_at(std::string_view(plain).substr(at, run), 0); size > 0)
            hide_middle(hex, at, size);
    }
    return hex;
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
            return mask_card_numbers_in_bytes(canonical);
        case Content::n:
        case Content::xn:
            break;
    }
    return std::string(canonical);
}

}  // namespace iso8583
