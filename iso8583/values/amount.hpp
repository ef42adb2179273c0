// Amount: integer minor units with their currency. Arithmetic is checked; amounts of two currencies never
// meet. Source: ISO 8583 DE4 (12 digits), DE49 (ISO 4217 numeric).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace iso8583 {

/// ISO 4217 numeric code and the number of decimals of its minor unit.
class Currency {
  public:
    constexpr Currency() = default;
    static Result<Currency> parse(std::string_view three_digits);
    static Currency of(std::uint16_t numeric);
    [[nodiscard]] std::uint16_t numeric() const { return numeric_; }
    [[nodiscard]] std::string str() const;  // "156"
    [[nodiscard]] int exponent() const;     // decimals: 2 for most, 0 for 392, 3 for 414 …
    friend auto operator<=>(const Currency&, const Currency&) = default;

  private:
    std::uint16_t numeric_ = 0;
};

class Amount {
  public:
    static constexpr std::int64_t minor_units_max = 999'999'999'999;  // 12 digits of DE4

    constexpr Amount() = default;
    Amount(std::int64_t minor_units, Currency currency) : minor_units_(minor_units), currency_(currency) {}
    /// DE4: exactly 12 digits.
    static Result<Amount> parse_field(std::string_view twelve_digits, Currency currency);
    /// As a person types it, in major units: "60", "60.00". At most the currency's decimals.
    static Result<Amount> parse_major(std::string_view text, Currency currency);

    [[nodiscard]] std::int64_t minor_units() const { return minor_units_; }
    [[nodiscard]] Currency currency() const { return currency_; }
    [[nodiscard]] bool is_zero() const { return minor_units_ == 0; }
    [[nodiscard]] std::string field() const;  // 12 digits; ENSUREs 0 ≤ amount ≤ minor_units_max
    [[nodiscard]] std::string major() const;  // "60.00", "-3.50"

    /// Checked: an overflow or a second currency is our bug.
    friend Amount operator+(Amount a, Amount b);
    friend Amount operator-(Amount a, Amount b);
    friend bool operator==(const Amount&, const Amount&) = default;

  private:
    std::int64_t minor_units_ = 0;
    Currency currency_;
};

}  // namespace iso8583
