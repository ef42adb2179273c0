// SHA-256 and HMAC-SHA256 for the audit chain. audit_hash.cpp sees OpenSSL, so it belongs to the target
// ledger_vault.
#pragma once

#include "ledger/audit_log.hpp"

namespace ledger {

[[nodiscard]] AuditDigest audit_sha256(iso8583::ByteView bytes);

/// Wiped when it goes.
class HmacAuditKey final : public AuditKey {
  public:
    static constexpr std::size_t size = 32;
    /// Exactly `size` bytes.
    explicit HmacAuditKey(iso8583::ByteView key);
    ~HmacAuditKey() override;
    HmacAuditKey(const HmacAuditKey&) = delete;
    HmacAuditKey& operator=(const HmacAuditKey&) = delete;
    [[nodiscard]] AuditDigest mac(iso8583::ByteView bytes) const override;
    [[nodiscard]] std::string check_value() const override;

  private:
    std::array<std::uint8_t, size> key_{};
};

}  // namespace ledger
