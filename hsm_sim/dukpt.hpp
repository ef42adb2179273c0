// Derived unique key per transaction: TDES (ANSI X9.24-1:2009) and AES (ANSI X9.24-3:2017). Derives the
// working keys of one transaction from the base derivation key and the key serial number that came with it.
//
// Units: KSN of 10 bytes (TDES; shorter ones are padded with F on the left) or 12 bytes (AES). Ownership:
// values, derived keys are wiped with their ClearKey. Thread: any. Errors: sizes are checked by parse_*.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "hsm_sim/clear_key.hpp"
#include "hsm_sim/port.hpp"

namespace hsm {

/// Key serial number of TDES DUKPT: 59 bits of key set and device, a counter of 21 bits.
using TdesKsn = std::array<std::uint8_t, 10>;
/// Initial key id of 8 bytes and a counter of 4.
using AesKsn = std::array<std::uint8_t, 12>;

/// 16 to 20 hex digits.
iso8583::Result<TdesKsn, HsmFault> parse_tdes_ksn(std::string_view hex);
/// 24 hex digits.
iso8583::Result<AesKsn, HsmFault> parse_aes_ksn(std::string_view hex);

ClearKey dukpt_tdes_initial_key(iso8583::ByteView bdk, const TdesKsn& ksn);
/// The key of this KSN's counter, before any variant.
ClearKey dukpt_tdes_transaction_key(iso8583::ByteView bdk, const TdesKsn& ksn);

enum class DukptPurpose : std::uint8_t { pin, mac_request, mac_response, data_request };
/// The transaction key under the purpose's variant. data_request is the variant encrypted under itself
/// (X9.24-1 A.4).
ClearKey dukpt_tdes_working_key(iso8583::ByteView bdk, const TdesKsn& ksn, DukptPurpose purpose);

/// What an AES DUKPT working key is for (X9.24-3 table 2).
enum class DukptKeyType : std::uint8_t { tdes_double, tdes_triple, aes128, aes192, aes256 };
enum class DukptUsage : std::uint16_t {
    pin_encryption = 0x1000,
    mac_generation = 0x2000,
    mac_verification = 0x2001,
    mac_both_ways = 0x2002,
    data_encryption = 0x3000,
    data_decryption = 0x3001,
    data_both_ways = 0x3002
};

ClearKey dukpt_aes_initial_key(iso8583::ByteView bdk, const std::array<std::uint8_t, 8>& initial_key_id);
/// The intermediate derivation key of this counter; working keys come from it.
ClearKey dukpt_aes_transaction_key(iso8583::ByteView bdk, const AesKsn& ksn);
ClearKey dukpt_aes_working_key(iso8583::ByteView bdk, const AesKsn& ksn, DukptUsage usage, DukptKeyType type);

}  // namespace hsm
