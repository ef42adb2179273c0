#include "iso8583/values/amount.hpp"

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/ensure.hpp"

namespace iso8583 {

Result<Currency> Currency::parse(std::string_view text) {
    if (text.size() != 3 || !all_digits(text)) return parse_error("currency: 3 digits are needed");
    return of(static_cast<std::uint16_t>((text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0')));
}
Currency Currency::of(std::uint16_t numeric) {
    ENSURE(numeric <= 999);
    Currency c;
    c.numeric_ = numeric;
    return c;
}
std::string Currency::str() const { return zero_padded(numeric_, 3); }
int Currency::exponent() const {
    // ISO 4217: the currencies whose minor unit is not a hundredth.
    switch (numeric_) {
        case 108:
        case 152:
        case 174:
        case 262:
        case 324:
        case 352:
        case 392:
        case 410:
        case 548:
        case 600:
        case 646:
        case 704:
        case 800:
        case 940:
        case 950:
        case 952:
        case 953:
            return 0;
        case 48:
        case 368:
        case 400:
        case 414:
        case 434:
        case 512:
        case 788:
            return 3;
        default:
            return 2;
    }
}

Result<Amount> Amount::parse_field(std::string_view text, Currency currency) {
    if (text.size() != 12 || !all_digits(text)) return parse_error("amount: 12 digits are needed");
    std::int64_t v = 0;
    for (char c : text) v = v * 10 + (c - '0');
    return Amount(v, currency);
}

Result<Amount> Amount::parse_major(std::string_view text, Currency currency) {
    const auto decimals_max = static_cast<std::size_t>(currency.exponent());
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view part =
        point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    if (whole.empty() || !all_digits(whole) || !all_digits(part) ||
        (point != std::string_view::npos && part.empty()))
        return parse_error("amount: digits with at most one decimal point are needed, as in 60.00");
    if (part.size() > decimals_max)
        return parse_error("amount: currency " + currency.str() + " has " + std::to_string(decimals_max) +
                           " decimals");
    if (whole.size() > 12) return parse_error("amount: larger than DE4 can carry");
    std::int64_t v = 0;
    for (char c : whole) v = v * 10 + (c - '0');
    for (std::size_t i = 0; i < decimals_max; ++i) v = v * 10 + (i < part.size() ? part[i] - '0' : 0);
    if (v > minor_units_max) return parse_error("amount: larger than DE4 can carry");
    return Amount(v, currency);
}

std::string Amount::field() const {
    ENSURE(minor_units_ >= 0 && minor_units_ <= minor_units_max);
    return zero_padded(static_cast<std::uint64_t>(minor_units_), 12);
}

std::string Amount::major() const {
    const auto decimals = static_cast<std::size_t>(currency_.exponent());
    const bool negative = minor_units_ < 0;
    std::string s = std::to_string(negative ? -minor_units_ : minor_units_);
    if (decimals > 0) {
        if (s.size() <= decimals) s.insert(0, decimals + 1 - s.size(), '0');
        s.insert(s.size() - decimals, 1, '.');
    }
    return negative ? "-" + s : s;
}

Amount operator+(Amount a, Amount b) {
    ENSURE(a.currency_ == b.currency_);
    std::int64_t sum = 0;
    ENSURE(!__builtin_add_overflow(a.minor_units_, b.minor_units_, &sum));
    return {sum, a.currency_};
}
Amount operator-(Amount a, Amount b) {
    ENSURE(a.currency_ == b.currency_);
    std::int64_t difference = 0;
    ENSURE(!__builtin_sub_overflow(a.minor_units_, b.minor_units_, &difference));
    return {difference, a.currency_};
}

}  // namespace iso8583
