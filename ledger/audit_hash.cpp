#include "ledger/audit_hash.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace ledger {

AuditDigest audit_sha256(iso8583::ByteView bytes) {
    AuditDigest digest{};
    unsigned int size = 0;
    // Only a broken OpenSSL installation can fail here.
    ENSURE(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
    ENSURE(size == digest.size());
    return digest;
}

HmacAuditKey::HmacAuditKey(iso8583::ByteView key) {
    ENSURE(key.size() == key_.size());
    std::copy(key.begin(), key.end(), key_.begin());
}

HmacAuditKey::~HmacAuditKey() { iso8583::zeroise(key_.data(), key_.size()); }

AuditDigest HmacAuditKey::mac(iso8583::ByteView bytes) const {
    AuditDigest digest{};
    std::size_t made = 0;
    ENSURE(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key_.data(), key_.size(), bytes.data(),
                     bytes.size(), digest.data(), digest.size(), &made) != nullptr);
    ENSURE(made == digest.size());
    return digest;
}

std::string HmacAuditKey::check_value() const {
    constexpr std::size_t check_bytes = 3;
    const AuditDigest of_nothing = mac({});
    return iso8583::to_hex(iso8583::ByteView(of_nothing).first(check_bytes));
}

}  // namespace ledger
