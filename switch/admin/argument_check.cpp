#include <algorithm>
#include <charconv>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/bytes.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/nearest_word.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/file_books.hpp"
#include "switch/admin/base64.hpp"
#include "switch/admin/commands.hpp"

namespace acquirer::admin {

using iso8583::parse_error;
using Kind = ArgumentKind;

namespace {

constexpr std::size_t cursor_characters_max = 128;
constexpr std::size_t path_characters_max = 1'024;

iso8583::Result<void> digits(std::string_view text, std::size_t count) {
    if (text.size() == count && iso8583::all_digits(text)) return {};
    return parse_error("needs " + std::to_string(count) + " digits");
}

template <typename T>
iso8583::Result<void> as(iso8583::Result<T> parsed) {
    if (!parsed) return tl::unexpected(parsed.error());
    return {};
}

bool is_printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_word(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return iso8583::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
               c == '_' || c == '.';
    });
}

iso8583::Result<void> check_amount(std::string_view text) {
    // Of any currency; the switch checks against its own.
    constexpr std::size_t whole_digits_max = 12, decimals_max = 3;
    const auto dot = text.find('.');
    const std::string_view whole = text.substr(0, dot);
    const std::string_view part = dot == std::string_view::npos ? "0" : text.substr(dot + 1);
    if (whole.empty() || whole.size() > whole_digits_max || part.empty() || !iso8583::all_digits(whole) ||
        !iso8583::all_digits(part))
        return parse_error("needs an amount in major units, as 60 or 60.00");
    if (part.size() > decimals_max) return parse_error("has more decimals than any currency");
    if ((std::string(whole) + std::string(part)).find_first_not_of('0') == std::string::npos)
        return parse_error("has to be more than nothing");
    return {};
}

iso8583::Result<void> check_mmdd(std::string_view text) {
    if (text.size() != 4 || !iso8583::all_digits(text)) return parse_error("needs month and day, as 0612");
    const int month = (text[0] - '0') * 10 + (text[1] - '0');
    const int day = (text[2] - '0') * 10 + (text[3] - '0');
    constexpr int a_leap_year = 2024;
    if (!iso8583::is_valid_date(a_leap_year, month, day)) return parse_error("is no day of the year");
    return {};
}

iso8583::Result<void> check_exception_id(std::string_view text) {
    // 12 characters of an RRN, a dash, a sequence of 8 digits or more.
    if (text.size() < 21 || text.size() > 23 || text[12] != '-' || !iso8583::Rrn::parse(text.substr(0, 12)) ||
        !iso8583::all_digits(text.substr(13)))
        return parse_error("needs an exception's id, as 632500000123-00000007");
    return {};
}

iso8583::Result<void> check_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
    std::uint64_t value = 0;
    constexpr std::size_t digits_max = 12;
    const bool is_number = !text.empty() && text.size() <= digits_max && iso8583::all_digits(text);
    if (is_number) std::from_chars(text.data(), text.data() + text.size(), value);
    if (!is_number || value < min || value > max)
        return parse_error("needs a number from " + std::to_string(min) + " to " + std::to_string(max));
    return {};
}

iso8583::Result<void> check_content(std::string_view text) {
    const auto bytes = parse_base64(text);
    if (bytes && !bytes->empty() && bytes->size() <= ledger::file_piece_bytes) return {};
    return parse_error("needs base64 of 1 to " + std::to_string(ledger::file_piece_bytes) + " bytes");
}

iso8583::Result<void> check_choice(std::string_view choices, std::string_view text) {
    const std::vector<std::string> words = choice_words(choices);
    if (std::find(words.begin(), words.end(), text) != words.end()) return {};
    return parse_error(iso8583::fault_of_word(words, text));
}

/// Of files, and of what is cut from them.
iso8583::Result<void> check_of_files(Kind kind, std::string_view text) {
    const bool is_a_text = !text.empty() && text.size() <= path_characters_max && is_printable(text);
    if (kind == Kind::path)
        return is_a_text ? iso8583::Result<void>{} : parse_error("needs the path of a file");
    if (kind == Kind::batch_name)
        return is_a_text ? iso8583::Result<void>{} : parse_error("needs a batch's number, reference or file");
    if (kind == Kind::digest)
        return ledger::is_digest_text(text) ? iso8583::Result<void>{}
                                            : parse_error("needs a SHA-256 of 64 digits 0-9 and a-f");
    if (kind == Kind::line) return check_number(text, 0, 1'000'000);
    if (kind == Kind::file_bytes) return check_number(text, 1, ledger::file_bytes_max);
    if (kind == Kind::piece) return check_number(text, 0, ledger::file_pieces_max - 1);
    return check_content(text);
}

iso8583::Result<void> check_form(const ArgumentInfo& argument, std::string_view text) {
    switch (argument.kind) {
        case Kind::rrn:
            return as(iso8583::Rrn::parse(text));
        case Kind::id:
            if (text.empty() || text.size() > 25 || !is_word(text))
                return parse_error("needs an RRN or a case number");
            return {};
        case Kind::exception_id:
            return check_exception_id(text);
        case Kind::settled_id:
            if (text.find('-') != std::string_view::npos) return check_exception_id(text);
            return as(iso8583::Rrn::parse(text));
        case Kind::proposal_id:
            if (text.empty() || text.size() > 25 || !is_word(text))
                return parse_error("needs a number as the list shows it");
            return {};
        case Kind::authorization:
            return as(iso8583::AuthorizationCode::parse(text));
        case Kind::terminal:
            return digits(text, 8);
        case Kind::merchant:
            return as(iso8583::MerchantId::parse(text));
        case Kind::batch:
        case Kind::trace:
            return digits(text, 6);
        case Kind::last4:
            return digits(text, 4);
        case Kind::amount:
            return check_amount(text);
        case Kind::mmdd:
            return check_mmdd(text);
        case Kind::date:
            return as(iso8583::Date::parse_iso(text));
        case Kind::text:
            if (text.empty() || text.size() > argument_text_max || !is_printable(text))
                return parse_error("needs 1 to " + std::to_string(argument_text_max) +
                                   " printable characters");
            return {};
        case Kind::word:
            if (text.empty() || text.size() > 64 || !is_word(text))
                return parse_error("needs a name of letters, digits, - and _");
            return {};
        case Kind::number:
            return check_number(text, 1, 1'000);
        case Kind::minutes:
            return check_number(text, 1, 525'600);
        case Kind::flag:
            return text == "true" || text == "false" ? iso8583::Result<void>{}
                                                     : parse_error("needs true or false");
        case Kind::choice:
            return check_choice(argument.choices, text);
        case Kind::cursor:
            if (text.empty() || text.size() > cursor_characters_max || !is_printable(text))
                return parse_error("needs a cursor as the last line of a list that is cut gives it");
            return {};
        case Kind::path:
        case Kind::batch_name:
        case Kind::line:
        case Kind::digest:
        case Kind::file_bytes:
        case Kind::piece:
        case Kind::content:
            return check_of_files(argument.kind, text);
        case Kind::out_file:
            if (text.empty()) return parse_error("needs the name of a file");
            return {};
    }
    return parse_error("cannot be read");
}

}  // namespace

std::vector<std::string> choice_words(std::string_view choices) {
    std::vector<std::string> words;
    while (!choices.empty()) {
        const std::size_t space = choices.find(' ');
        words.emplace_back(choices.substr(0, space));
        choices.remove_prefix(space == std::string_view::npos ? choices.size() : space + 1);
    }
    return words;
}

iso8583::Result<void> check_argument(const ArgumentInfo& argument, std::string_view text) {
    auto form = check_form(argument, text);
    if (form) return form;
    // A value's own parser may have named it already.
    const std::string label = std::string(argument.name) + ": ";
    return parse_error(form.error().what.starts_with(label) ? form.error().what : label + form.error().what);
}

}  // namespace acquirer::admin
