// Certificates for tests of TLS: a fresh P-256 key and a certificate for it, as PEM files below the system's
// folder of temporary files, signed by an authority or by itself. The files live as long as the value.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

namespace tls_peers {

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

class Identity;

/// A PEM file below the system's folder of temporary files: the list of what `authority` has revoked, good
/// for so many seconds from now, which may be over already. As long as the value lives.
class RevocationList {
  public:
    explicit RevocationList(const Identity& authority);
    ~RevocationList();
    RevocationList(const RevocationList&) = delete;
    RevocationList& operator=(const RevocationList&) = delete;
    void write(const std::vector<const Identity*>& revoked, long valid_seconds) const;
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    const Identity& authority_;
    std::string path_;
};

class Identity {
  public:
    /// An authority.
    explicit Identity(const std::string& name) : Identity(name, nullptr) {}
    /// Signed by `issuer`, under the common name and as DNS name; valid for so many seconds from now, which
    /// may be over already.
    Identity(const std::string& name, const Identity& issuer, long valid_seconds = day_seconds)
        : Identity(name, &issuer, valid_seconds) {}
    ~Identity();
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;

    [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }
    [[nodiscard]] X509* certificate() const { return certificate_.get(); }
    [[nodiscard]] const std::string& key_path() const { return key_path_; }
    [[nodiscard]] const std::string& certificate_path() const { return certificate_path_; }

  private:
    static constexpr long day_seconds = 86'400;
    Identity(const std::string& name, const Identity* issuer, long valid_seconds = day_seconds);

    std::unique_ptr<EVP_PKEY, FreeKey> key_;
    std::unique_ptr<X509, FreeCertificate> certificate_;
    std::string key_path_;
    std::string certificate_path_;
};

}  // namespace tls_peers
