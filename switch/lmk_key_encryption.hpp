// LmkKeyEncryption: seals the vault key and the key of the audit chain under the LMK, as TR-31 key blocks, so
// that the data directory is worthless without the HSM's master key. Only with the embedded HSM: a remote one
// gives no such function (then: KeyFileKek).
//
// Ownership: owns its Lmk. Thread: start-up's. Source: docs/ledger_format.md, "Vault key file".
#pragma once

#include "hsm_sim/lmk.hpp"
#include "iso8583/values/random_source.hpp"
#include "ledger/vault_key_file.hpp"

namespace acquirer {

class LmkKeyEncryption final : public ledger::KeyEncryption {
  public:
    /// What the sealed key is for stands in its blocks, so that one is never taken for another.
    enum class Use : std::uint8_t { key_encryption, hmac };
    LmkKeyEncryption(hsm::Lmk lmk, iso8583::RandomSource& random, Use use = Use::key_encryption)
        : lmk_(std::move(lmk)), random_(random), use_(use) {}
    [[nodiscard]] std::string_view name() const override { return "LMK"; }
    [[nodiscard]] iso8583::Result<iso8583::Bytes> wrap(iso8583::ByteView clear) const override;
    [[nodiscard]] iso8583::Result<iso8583::Bytes> unwrap(iso8583::ByteView wrapped) const override;

  private:
    hsm::Lmk lmk_;
    iso8583::RandomSource& random_;
    Use use_;
};

}  // namespace acquirer
