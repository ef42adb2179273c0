// What the engine does beside the four questions of the switch (port.hpp): keys, DUKPT, PIN verification.
// Requests and answers as values, in the terms of the host commands (docs/hsm.md).
//
// Units: key texts in host-command form. Ownership: values without clear keys or PINs. Errors: HsmFault.
#pragma once

#include <optional>
#include <string>

#include "hsm_sim/lmk.hpp"
#include "hsm_sim/pin_block.hpp"
#include "hsm_sim/port.hpp"

namespace hsm {

/// What an S block's header shall say; without it the type's usual usage, AES-128, mode by usage, exportable.
struct BlockAttributes {
    std::string usage = "P0";
    char algorithm = 'A';  // A or T
    std::size_t key_bytes = 16;
    char mode = 'N';
    std::string key_version = "00";
    char exportability = 'E';
};

/// A key-encrypting key under the LMK and the scheme in which it shall carry, or carries, another key.
struct KeyCarrier {
    KeyKind kind = KeyKind::zmk;  // zmk or tmk
    std::string key;
    char scheme = 'X';  // Z, X, Y, U, T; S or R for a TR-31 block
};

struct KeyMade {
    std::string under_lmk;
    std::string under_carrier;  // empty when none was asked
    std::array<std::uint8_t, 8>
        kcv{};  // the first 3 (TDES) or 5 (AES) bytes are the check value people compare
};

struct TranslateDukptPin {
    std::string bdk;
    std::string zpk;
    std::string ksn;  // hex, 16-20 digits for a TDES BDK, 24 for an AES one
    PinBlockFormat source_format = PinBlockFormat::iso0;
    PinBlockFormat destination_format = PinBlockFormat::iso0;
    iso8583::Bytes pin_block;
    PinAccount account;
};
struct PinTranslation {
    std::size_t pin_digits = 0;
    iso8583::Bytes pin_block;
};

struct PinToVerify {
    KeyKind kind = KeyKind::tpk;  // tpk or zpk
    std::string key;
    PinBlockFormat format = PinBlockFormat::iso0;
    iso8583::Bytes pin_block;
    PinAccount account;
};

/// How a decimalisation table comes: in clear (tests), under the LMK, or kept in the HSM under a number.
enum class Decimalisation : std::uint8_t { clear, encrypted, stored };

struct VerifyIbmPin {
    PinToVerify pin;
    std::string pvk;
    std::size_t check_digits = 4;
    std::string decimalisation_table;  // 16 digits, 16 hex digits under the LMK, or K and a number
    std::array<std::uint8_t, 8> validation{};
    std::string offset;  // check_digits digits
};
struct VerifyVisaPin {
    PinToVerify pin;
    std::string pvk_pair;
    char pvk_index = '1';
    std::string pvv;  // 4 digits
};

enum class DukptMacDirection : std::uint8_t { request, response };
struct DukptMac {
    std::string bdk;
    std::string ksn;
    DukptMacDirection direction = DukptMacDirection::request;
    MacPadding padding = MacPadding::zeros;
    iso8583::Bytes data;
};

/// One line of the key operations' audit: what was done, to which kind of key, and the key's public check
/// value.
struct KeyOperation {
    std::string_view what;  // "generate", "import", "export", "terminal key"
    std::string type;       // "001", "TPK"
    std::string kcv;        // hex; empty when it came to no key
    std::optional<HsmFault> refused;
};

}  // namespace hsm
