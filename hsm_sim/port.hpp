// The HSM as the switch sees it: questions and answers as values. A payShield, hsm-sim over TCP and the
// embedded engine stand behind the same port; the core and the link sessions cannot tell which (docs/hsm.md).
//
// Ownership: requests and replies are values. Thread: whatever calls `ask`; the reply comes on that same
// thread. Errors: every failure is an HsmFault; `unavailable` is the only one that says nothing about the
// request (R64).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/pan.hpp"
#include "iso8583/values/result.hpp"

namespace hsm {

enum class KeyKind : std::uint8_t { zmk, zpk, tmk, tpk, tak, zak, pvk, bdk };
std::string_view name(KeyKind kind);  // "ZPK" …

/// A key under the LMK, in host-command form: 16H single, U+32H double, T+48H triple, or S+TR-31 block (AES).
/// Useless without the LMK, so it may be stored and sent; never a clear key.
class KeyBlock {
  public:
    static constexpr std::size_t text_max = 256;
    KeyBlock() = default;
    static iso8583::Result<KeyBlock> parse(std::string_view text);
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool empty() const { return text_.empty(); }
    /// As far as its text shows: variant schemes hold TDES keys, a TR-31 header names its algorithm.
    [[nodiscard]] bool is_aes() const;
    friend auto operator<=>(const KeyBlock&, const KeyBlock&) = default;

  private:
    std::string text_;
};

enum class MacAlgorithm : std::uint8_t {
    unionpay_ecb,  // wire.md: XOR fold, hex, DES or 3DES; 8 ASCII hex characters
    retail,        // ISO 9797-1 algorithm 3 (X9.19), DES
    cbc,           // ISO 9797-1 algorithm 1
    aes_cmac       // NIST SP 800-38B, first 8 bytes used on the wire
};
enum class MacPadding : std::uint8_t { zeros /* 9797-1 method 1 */, bit /* method 2 */ };
enum class PinBlockFormat : std::uint8_t { iso0, iso1, iso3, iso4 };

/// All MACs on the wire are 8 bytes (for unionpay_ecb: 8 ASCII characters).
using Mac = std::array<std::uint8_t, 8>;

struct MacProfile {
    MacAlgorithm algorithm = MacAlgorithm::unionpay_ecb;
    MacPadding padding = MacPadding::zeros;
    friend auto operator<=>(const MacProfile&, const MacProfile&) = default;
};

struct GenerateMac {
    KeyKind kind = KeyKind::tak;
    KeyBlock key;
    MacProfile profile;
    iso8583::Bytes data;
};
struct VerifyMac {
    KeyKind kind = KeyKind::tak;
    KeyBlock key;
    MacProfile profile;
    iso8583::Bytes data;
    Mac mac{};
};
struct TranslatePin {
    KeyKind source_kind = KeyKind::tpk;  // tpk or zpk
    KeyBlock source;
    KeyBlock destination;  // a ZPK
    PinBlockFormat source_format = PinBlockFormat::iso0;
    PinBlockFormat destination_format = PinBlockFormat::iso0;
    iso8583::Bytes pin_block;  // 8 bytes, 16 for iso4
    iso8583::Pan pan;          // the same before and after
};
/// Terminal sign-on: a new double-length PIK (a TPK) and MAK (a TAK) under the LMK and under the TMK.
struct GenerateTerminalKeys {
    KeyBlock tmk;
    bool single_length = false;   // sign-on 001: 8-byte keys; 003 and 004: 16
    bool with_track_key = false;  // sign-on 004: a TDK as well
    /// What the MAK will be used for. retail and aes_cmac need double length; for aes_cmac it is an AES-128
    /// key under the LMK (a key block for CMAC alone), drawn and carried to the terminal like a TDES key, so
    /// that the terminal checks it as it checks the others (docs/decisions/0012).
    MacAlgorithm mac = MacAlgorithm::unionpay_ecb;
};
/// Key change with an issuer (0800): a new ZPK or ZAK to hand over under the ZMK. Of the ZMK's algorithm: a
/// TDES ZMK carries a double-length key (scheme X), an AES ZMK an AES-128 key as TR-31 block.
struct GenerateZoneKey {
    KeyKind kind = KeyKind::zpk;  // zpk or zak
    KeyBlock zmk;
};
/// … and the other direction: one that the issuer has sent.
struct ImportZoneKey {
    KeyKind kind = KeyKind::zpk;
    KeyBlock zmk;
    std::string under_zmk;  // 16H, X or U and 32H, Y or T and 48H, R or S and a TR-31 block
};
/// What people compare when they compare keys: lists and audits show nothing else of a key.
struct CheckKey {
    KeyKind kind = KeyKind::zpk;
    KeyBlock key;
};
using Request = std::variant<GenerateMac, VerifyMac, TranslatePin, GenerateTerminalKeys, GenerateZoneKey,
                             ImportZoneKey, CheckKey>;

struct MacGenerated {
    Mac mac{};
};
struct MacVerified {
    bool matches = false;
};
struct PinTranslated {
    iso8583::Bytes pin_block;
};
struct WorkingKey {
    KeyBlock under_lmk;
    iso8583::Bytes under_tmk;           // 16 bytes, ECB under the TMK (wire.md, sign-on reply DE62)
    std::array<std::uint8_t, 4> kcv{};  // first 4 bytes of the encryption of zeros
};
struct TerminalKeysGenerated {
    WorkingKey pin_key;
    WorkingKey mac_key;
    std::optional<WorkingKey> track_key{};
};

struct ZoneKey {
    KeyBlock under_lmk;
    std::string under_zmk;              // empty for an imported key
    std::array<std::uint8_t, 3> kcv{};  // compare with the issuer's before the key is used
};
struct KeyChecked {
    std::array<std::uint8_t, 3> kcv{};
};

/// Why the HSM did not do it. Numbers are the payShield error codes (docs/hsm.md).
enum class HsmFault : std::uint8_t {
    unavailable = 255,  // no HSM answered in time: says nothing about the request
    verification_failed = 1,
    key_type = 4,
    source_key_parity = 10,
    destination_key_parity = 11,
    storage = 12,
    lmk = 13,
    input = 15,
    not_authorised = 17,
    pin_block_content = 20,
    account_number = 22,
    pin_block_format = 23,
    pin_length = 24,
    decimalisation_table = 25,
    key_scheme = 26,
    key_length = 27,
    key_use = 28,
    function_not_permitted = 29,
    fraud_detected = 39,
    internal = 41,
    command_disabled = 68,
    single_length_masquerade = 75,
    data_length = 80,
    key_block_authentication = 200,  // "A4"
    key_usage = 202                  // "A6"
};
std::string_view name(HsmFault fault);
/// The two characters of a host command's answer: "10", "A4"; "41" for what has no number of its own.
std::string code(HsmFault fault);

using Reply = iso8583::Result<
    std::variant<MacGenerated, MacVerified, PinTranslated, TerminalKeysGenerated, ZoneKey, KeyChecked>,
    HsmFault>;

/// Matches a reply with its question; unique per asker.
using Ticket = std::uint64_t;

}  // namespace hsm
