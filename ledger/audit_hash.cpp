#include "ledger/audit_hash.hpp"

#include <openssl/evp.h>

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

}  // namespace ledger
