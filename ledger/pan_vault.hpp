// PanVault: seals PANs for the store and makes the tokens they are looked up by. Deterministic AES-SIV (RFC
// 5297) with the record's key as associated data; tokens are a keyed hash.
//
// It has one key for tokens, which stays, and several for sealing: one of them, the active one, seals; those
// before it open what they have sealed until all of that is sealed anew (docs/decisions/0054).
//
// Ownership: the keys are held here, zeroised on destruction. Thread: one. Source: docs/ledger_format.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/pan.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/vault_key_number.hpp"

namespace ledger {

/// Bytes of a key: held here alone, zeroised.
template <std::size_t key_bytes>
class VaultKeyBytes {
  public:
    static constexpr std::size_t size = key_bytes;
    explicit VaultKeyBytes(const std::array<std::uint8_t, size>& bytes) : bytes_(bytes) {}
    ~VaultKeyBytes() { iso8583::zeroise(bytes_.data(), bytes_.size()); }
    VaultKeyBytes(const VaultKeyBytes&) = default;
    VaultKeyBytes& operator=(const VaultKeyBytes&) = default;
    [[nodiscard]] iso8583::ByteView reveal() const { return bytes_; }

  private:
    std::array<std::uint8_t, size> bytes_;
};
/// AES-128-SIV: 16 bytes for S2V, 16 for CTR.
using SealingKey = VaultKeyBytes<32>;
/// HMAC-SHA-256.
using TokenKey = VaultKeyBytes<32>;
/// The first sealing key and the token key behind it, as vaults were made before they had numbers.
using PanVaultKey = VaultKeyBytes<64>;

/// In one vault: the LMK seals nine parts at once, one of them is the token key.
inline constexpr std::size_t vault_keys_max = 8;

/// All keys of a vault.
struct VaultKeys {
    struct Sealing {
        std::uint32_t number = first_vault_key;
        iso8583::UtcTime made;  // 0: before keys had dates
        SealingKey key;
    };
    TokenKey token;
    std::vector<Sealing> sealing;  // ascending, at least one
    std::uint32_t active = first_vault_key;

    /// Of a vault that has the one key.
    static VaultKeys of(const PanVaultKey& key, iso8583::UtcTime made = {});
    [[nodiscard]] const Sealing* find(std::uint32_t number) const;
};

/// A sealing key as people may see it.
struct VaultKeyInfo {
    std::uint32_t number = first_vault_key;
    iso8583::UtcTime made;
    friend bool operator==(const VaultKeyInfo&, const VaultKeyInfo&) = default;
};

class PanVault {
  public:
    explicit PanVault(const VaultKeys& keys);
    explicit PanVault(const PanVaultKey& key) : PanVault(VaultKeys::of(key)) {}
    ~PanVault();
    PanVault(PanVault&&) noexcept;
    PanVault& operator=(PanVault&&) noexcept;

    /// Under the active key: 16 bytes of synthetic IV and as many bytes as the text has; equal input seals
    /// equally.
    [[nodiscard]] std::string seal(std::string_view text, std::string_view record_key) const;
    /// `key` is the number of the one that sealed it. Fails on any change of bytes or record key, and when
    /// there is no such key; the error names no bytes.
    [[nodiscard]] iso8583::Result<std::string> open(std::string_view sealed, std::string_view record_key,
                                                    std::uint32_t key = first_vault_key) const;
    [[nodiscard]] iso8583::PanToken token(const iso8583::Pan& pan) const;
    /// Of another secret than a PAN, a wallet's payment code: under the same key, and never a PAN's.
    [[nodiscard]] iso8583::PanToken token_of_text(std::string_view text) const;

    [[nodiscard]] std::uint32_t active() const;
    [[nodiscard]] bool has(std::uint32_t key) const;
    /// Ascending.
    [[nodiscard]] std::vector<VaultKeyInfo> keys() const;
    /// Seals under this one from now on; ENSUREs that it is here.
    void use(std::uint32_t key);
    /// The file has other sealing keys now: takes what is new, wipes what is gone, and seals under the same
    /// one as before, which must be among them. The token key stays.
    void hold(const VaultKeys& keys);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ledger
