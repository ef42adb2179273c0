// PIN blocks of ISO 9564-1, formats 0, 1, 3 and 4, in clear: encode and decode. Pure; the ciphers are
// elsewhere.
//
// Units: formats 0, 1, 3 are 8 bytes, format 4 is a PIN field and a PAN field of 16. Ownership: values,
// wiped. Errors: every fault of content is the one HsmFault::pin_block_content, found in one pass whose time
// does not depend on which digit was wrong, so that answers and timing are no oracle for the PIN.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "hsm_sim/clear_key.hpp"
#include "hsm_sim/port.hpp"

namespace hsm {

/// A PIN in clear, 4 to 12 digits, wiped on every way out and never printed.
class ClearPin {
  public:
    static constexpr std::size_t digits_min = 4;
    static constexpr std::size_t digits_max = 12;

    ClearPin() = default;
    static iso8583::Result<ClearPin, HsmFault> parse(std::string_view digits);
    ~ClearPin() { iso8583::zeroise(digits_.data(), digits_.size()); }
    ClearPin(const ClearPin&) = default;
    ClearPin& operator=(const ClearPin&) = default;

    [[nodiscard]] std::size_t size() const { return size_; }
    /// 0 to 9; positions past size() are 0.
    [[nodiscard]] std::uint8_t digit(std::size_t i) const { return digits_[i]; }

  private:
    friend struct PinBlockReader;
    std::array<std::uint8_t, digits_max> digits_{};
    std::size_t size_ = 0;
};

/// The account number as PIN blocks use it: 12 digits without the check digit (formats 0 and 3, and all that
/// a host command carries), and the whole PAN where it is known (format 4).
class PinAccount {
  public:
    ~PinAccount() { iso8583::zeroise(twelve_.data(), twelve_.size()); }
    PinAccount(const PinAccount&) = default;
    PinAccount& operator=(const PinAccount&) = default;
    static PinAccount of(const iso8583::Pan& pan);
    /// 12 digits without the check digit; format 4 then takes them as a whole PAN of 12 digits.
    static iso8583::Result<PinAccount, HsmFault> parse_twelve(std::string_view digits);
    /// 8 to 19 digits, a whole PAN.
    static iso8583::Result<PinAccount, HsmFault> parse_whole(std::string_view digits);

    /// 0000 and the 12 digits: the PAN field of formats 0 and 3.
    [[nodiscard]] std::array<std::uint8_t, 8> field8() const;
    /// Length digit, PAN, zeros: the PAN field of format 4.
    [[nodiscard]] std::array<std::uint8_t, 16> field16() const;
    [[nodiscard]] std::string_view twelve() const { return {twelve_.data(), twelve_.size()}; }

  private:
    PinAccount() = default;
    static PinAccount of_digits(std::string_view pan);
    std::array<char, 12> twelve_{};
    iso8583::Pan whole_;
};

/// Formats 0, 1 and 3. `fill` is random: format 1 uses any nibbles, format 3 maps them to A-F, format 0
/// ignores them.
std::array<std::uint8_t, 8> encode_pin_block(PinBlockFormat format, const ClearPin& pin,
                                             const PinAccount& account,
                                             const std::array<std::uint8_t, 8>& fill);
iso8583::Result<ClearPin, HsmFault> decode_pin_block(PinBlockFormat format,
                                                     const std::array<std::uint8_t, 8>& block,
                                                     const PinAccount& account);

/// Format 4: the PIN field before its first encryption, and the PIN out of it after the last decryption.
std::array<std::uint8_t, 16> encode_pin_field4(const ClearPin& pin,
                                               const std::array<std::uint8_t, 8>& random);
iso8583::Result<ClearPin, HsmFault> decode_pin_field4(const std::array<std::uint8_t, 16>& field);

/// 01, 05, 47, 48 of the host commands.
std::string_view host_number(PinBlockFormat format);
iso8583::Result<PinBlockFormat, HsmFault> parse_host_number(std::string_view two_digits);

/// ISO 9564-1 translation rules: never into a format that is not bound to the account (0/3/4 to 1).
[[nodiscard]] bool translation_allowed(PinBlockFormat from, PinBlockFormat to);

}  // namespace hsm
