#include "tests/peers/tls_identity.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace tls_peers {

namespace {

std::string fresh_path(const char* what) {
    static int number = 0;
    const std::string name =
        "tls_test." + std::to_string(::getpid()) + "." + std::to_string(++number) + "." + what;
    return std::filesystem::temp_directory_path() / name;
}

void write(const std::string& path, const auto& how) {
    FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr || how(file) != 1) throw std::runtime_error("cannot write " + path);
    std::fclose(file);
}

void add_extension(X509* x, int nid, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    if (extension == nullptr) throw std::runtime_error("no such extension: " + value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace

Identity::Identity(const std::string& name, const Identity* issuer, long valid_seconds)
    : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")),
      certificate_(X509_new()),
      key_path_(fresh_path("key.pem")),
      certificate_path_(fresh_path("cert.pem")) {
    constexpr long hour_seconds = 3'600;
    X509* x = certificate_.get();
    X509_set_version(x, X509_VERSION_3);
    static std::atomic<long> serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -hour_seconds);
    X509_gmtime_adj(X509_getm_notAfter(x), valid_seconds);
    X509_set_pubkey(x, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer == nullptr ? x : issuer->certificate()));
    if (issuer == nullptr)
        add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    else
        add_extension(x, NID_subject_alt_name, "DNS:" + name);
    X509_sign(x, issuer == nullptr ? key_.get() : issuer->key(), EVP_sha256());
    write(key_path_, [this](FILE* file) {
        return PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    write(certificate_path_, [x](FILE* file) { return PEM_write_X509(file, x); });
}

Identity::~Identity() {
    ::unlink(key_path_.c_str());
    ::unlink(certificate_path_.c_str());
}

RevocationList::RevocationList(const Identity& authority)
    : authority_(authority), path_(fresh_path("crl.pem")) {}

RevocationList::~RevocationList() { ::unlink(path_.c_str()); }

void RevocationList::write(const std::vector<const Identity*>& revoked, long valid_seconds) const {
    constexpr long hour_seconds = 3'600;
    struct Free {
        void operator()(X509_CRL* crl) const { X509_CRL_free(crl); }
        void operator()(ASN1_TIME* time) const { ASN1_TIME_free(time); }
    };
    const std::unique_ptr<X509_CRL, Free> crl(X509_CRL_new());
    const std::unique_ptr<ASN1_TIME, Free> from(X509_gmtime_adj(nullptr, -hour_seconds));
    const std::unique_ptr<ASN1_TIME, Free> to(X509_gmtime_adj(nullptr, valid_seconds));
    X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(authority_.certificate()));
    X509_CRL_set1_lastUpdate(crl.get(), from.get());
    X509_CRL_set1_nextUpdate(crl.get(), to.get());
    for (const Identity* one : revoked) {
        X509_REVOKED* entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate()));
        X509_REVOKED_set_revocationDate(entry, from.get());
        X509_CRL_add0_revoked(crl.get(), entry);
    }
    X509_CRL_sign(crl.get(), authority_.key(), EVP_sha256());
    tls_peers::write(path_, [&](FILE* file) { return PEM_write_X509_CRL(file, crl.get()); });
}

}  // namespace tls_peers
