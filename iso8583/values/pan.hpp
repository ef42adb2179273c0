// Pan: a primary account number that cannot be printed by accident. Held inline, zeroised on destruction,
// masked when formatted; .reveal() is the one way to its digits and its callers are listed in a test.
// Source: ISO 8583 DE2, ISO/IEC 7812; masking: PCI DSS 3.4 (first 6, last 4).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace iso8583 {

class Pan {
  public:
    static constexpr std::size_t digits_min = 8;
    static constexpr std::size_t digits_max = 19;

    Pan() = default;
    static Result<Pan> parse(std::string_view digits);
    ~Pan();
    Pan(const Pan&) = default;
    Pan& operator=(const Pan&) = default;

    /// The clear digits. Only for encoding to an issuer, PIN blocks, sealing and tokens.
    [[nodiscard]] std::string_view reveal() const { return {digits_.data(), size_}; }
    /// First 6 and last 4, the rest stars; all stars when shorter than 13.
    [[nodiscard]] std::string masked() const;
    [[nodiscard]] std::string last4() const;
    [[nodiscard]] bool empty() const { return size_ == 0; }

    friend bool operator==(const Pan& a, const Pan& b) { return a.reveal() == b.reveal(); }

  private:
    std::array<char, digits_max> digits_{};
    std::uint8_t size_ = 0;
};

/// Masks text that should be a PAN: digits as Pan::masked, anything else all stars (fail closed).
std::string mask_pan_text(std::string_view text);

/// A keyed hash of a PAN (ledger/pan_vault): equal for equal cards, says nothing else.
struct PanToken {
    std::array<std::uint8_t, 16> bytes{};
    friend auto operator<=>(const PanToken&, const PanToken&) = default;
};

}  // namespace iso8583
