// PIN verification values: IBM 3624 with offset, Visa PVV; and the card verification value, which is made the
// same way. Calculations over keyed ciphers; who may ask, and how often, is the engine's business.
//
// Units: digits as values 0-9. Ownership: values. Thread: any. Errors: HsmFault; comparisons are the
// engine's.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/pin_block.hpp"

namespace hsm {

/// 16 digits: what each hex digit of an encrypted validation value becomes.
class DecimalisationTable {
  public:
    /// Refuses (25) tables that map most hex digits to few decimal ones: with such a table PINs can be
    /// guessed from a handful of answers. Needs 8 different digits, none more than 4 times.
    static iso8583::Result<DecimalisationTable, HsmFault> parse(std::string_view digits);
    [[nodiscard]] std::uint8_t of(std::uint8_t hex_digit) const { return digits_[hex_digit]; }

  private:
    std::array<std::uint8_t, 16> digits_{};
};

/// IBM 3624: the offset of `pin`, `digits` of it. `validation` is 8 bytes, 16 hex digits.
std::string ibm_offset(const TdesCipher& pvk, const Block8& validation, const DecimalisationTable& table,
                       const ClearPin& pin, std::size_t digits);
/// True when the offset belongs to the PIN; in constant time.
[[nodiscard]] bool ibm_offset_matches(const TdesCipher& pvk, const Block8& validation,
                                      const DecimalisationTable& table, const ClearPin& pin,
                                      std::string_view offset);

/// Visa PVV: the 11 rightmost digits of the PAN without the check digit, the PVK index, the first 4 PIN
/// digits.
std::string visa_pvv(const TdesCipher& pvk_pair, const PinAccount& account, char pvk_index,
                     const ClearPin& pin);

/// CVV of a card: `expiry` as printed on the track (4 digits), service code 3 digits. Not offered to hosts.
iso8583::Result<std::string, HsmFault> card_verification_value(iso8583::ByteView cvk_pair,
                                                               std::string_view pan, std::string_view expiry,
                                                               std::string_view service_code);

}  // namespace hsm
