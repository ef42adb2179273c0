// PanVault: seals PANs for the store and makes the tokens they are looked up by. Deterministic AES-SIV (RFC
// 5297) with the record's key as associated data; tokens are a keyed hash.
//
// Ownership: the key is held here, zeroised on destruction. Thread: one. Source: docs/ledger_format.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/pan.hpp"
#include "iso8583/values/result.hpp"

namespace ledger {

/// 64 bytes: 32 for AES-128-SIV ×2 halves and 32 for the token hash; zeroised.
class PanVaultKey {
  public:
    static constexpr std::size_t size = 64;
    explicit PanVaultKey(const std::array<std::uint8_t, size>& bytes) : bytes_(bytes) {}
    ~PanVaultKey() { iso8583::zeroise(bytes_.data(), bytes_.size()); }
    PanVaultKey(const PanVaultKey&) = default;
    PanVaultKey& operator=(const PanVaultKey&) = default;
    [[nodiscard]] iso8583::ByteView reveal() const { return bytes_; }

  private:
    std::array<std::uint8_t, size> bytes_;
};

class PanVault {
  public:
    explicit PanVault(const PanVaultKey& key);
    ~PanVault();
    PanVault(PanVault&&) noexcept;
    PanVault& operator=(PanVault&&) noexcept;

    /// 16 bytes of synthetic IV and as many bytes as the text has; equal input seals equally.
    [[nodiscard]] std::string seal(std::string_view text, std::string_view record_key) const;
    /// Fails on any change of bytes or record key; the error names neither.
    [[nodiscard]] iso8583::Result<std::string> open(std::string_view sealed,
                                                    std::string_view record_key) const;
    [[nodiscard]] iso8583::PanToken token(const iso8583::Pan& pan) const;
    /// Of another secret than a PAN, a wallet's payment code: under the same key, and never a PAN's.
    [[nodiscard]] iso8583::PanToken token_of_text(std::string_view text) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ledger
