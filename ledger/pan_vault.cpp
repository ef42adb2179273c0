#include "ledger/pan_vault.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace ledger {

using iso8583::ByteView;
using iso8583::Result;

namespace {

constexpr std::size_t siv_key_bytes = 32;  // two AES-128 keys: S2V and CTR (RFC 5297)
constexpr std::size_t synthetic_iv_bytes = 16;

template <auto free_function>
struct Free {
    template <typename T>
    void operator()(T* p) const {
        free_function(p);
    }
};
using Cipher = std::unique_ptr<EVP_CIPHER, Free<EVP_CIPHER_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using MacAlgorithm = std::unique_ptr<EVP_MAC, Free<EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>>;

const unsigned char* data_of(std::string_view text) { return iso8583::as_bytes(text).data(); }
unsigned char* data_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

// A SIV context serves one message, and scheduling its key costs 3 µs; copying a context whose key is
// scheduled costs 1. HMAC contexts restart by themselves.
struct PanVault::Impl {
    Cipher siv;
    CipherContext sealing;  // keyed once, only ever copied from
    CipherContext opening;
    CipherContext working;
    MacContext hash;

    explicit Impl(ByteView key) {
        siv.reset(EVP_CIPHER_fetch(nullptr, "AES-128-SIV", nullptr));
        sealing.reset(EVP_CIPHER_CTX_new());
        opening.reset(EVP_CIPHER_CTX_new());
        working.reset(EVP_CIPHER_CTX_new());
        ENSURE(siv && sealing && opening && working);
        ENSURE(EVP_EncryptInit_ex2(sealing.get(), siv.get(), key.data(), nullptr, nullptr) == 1);
        ENSURE(EVP_DecryptInit_ex2(opening.get(), siv.get(), key.data(), nullptr, nullptr) == 1);

        const MacAlgorithm hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
        ENSURE(hmac);
        hash.reset(EVP_MAC_CTX_new(hmac.get()));
        ENSURE(hash);
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                         OSSL_PARAM_construct_end()};
        const ByteView hash_key = key.subspan(siv_key_bytes);
        ENSURE(EVP_MAC_init(hash.get(), hash_key.data(), hash_key.size(), parameters) == 1);
    }

    iso8583::PanToken hash_of(std::string_view text) const;

    /// A fresh context for one message with its associated data already in.
    EVP_CIPHER_CTX* start(const CipherContext& keyed, std::string_view record_key) const {
        ENSURE(!record_key.empty());
        ENSURE(EVP_CIPHER_CTX_copy(working.get(), keyed.get()) == 1);
        return working.get();
    }
};

PanVault::PanVault(const PanVaultKey& key) : impl_(std::make_unique<Impl>(key.reveal())) {}
PanVault::~PanVault() = default;
PanVault::PanVault(PanVault&&) noexcept = default;
PanVault& PanVault::operator=(PanVault&&) noexcept = default;

std::string PanVault::seal(std::string_view text, std::string_view record_key) const {
    ENSURE(!text.empty());
    EVP_CIPHER_CTX* context = impl_->start(impl_->sealing, record_key);
    std::string sealed(synthetic_iv_bytes + text.size(), '\0');
    unsigned char* out = data_of(sealed);
    int size = 0;
    ENSURE(EVP_EncryptUpdate(context, nullptr, &size, data_of(record_key),
                             static_cast<int>(record_key.size())) == 1);
    ENSURE(EVP_EncryptUpdate(context, out + synthetic_iv_bytes, &size, data_of(text),
                             static_cast<int>(text.size())) == 1);
    ENSURE(static_cast<std::size_t>(size) == text.size());
    ENSURE(EVP_EncryptFinal_ex(context, out + sealed.size(), &size) == 1 && size == 0);
    ENSURE(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, synthetic_iv_bytes, out) == 1);
    return sealed;
}

Result<std::string> PanVault::open(std::string_view sealed, std::string_view record_key) const {
    if (sealed.size() <= synthetic_iv_bytes)
        return iso8583::parse_error("sealed PAN: shorter than a synthetic IV and one byte");
    EVP_CIPHER_CTX* context = impl_->start(impl_->opening, record_key);
    std::string iv(sealed.substr(0, synthetic_iv_bytes));
    const std::string_view body = sealed.substr(synthetic_iv_bytes);
    std::string text(body.size(), '\0');
    int size = 0;
    ENSURE(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, synthetic_iv_bytes, iv.data()) == 1);
    ENSURE(EVP_DecryptUpdate(context, nullptr, &size, data_of(record_key),
                             static_cast<int>(record_key.size())) == 1);
    const bool genuine =
        EVP_DecryptUpdate(context, data_of(text), &size, data_of(body), static_cast<int>(body.size())) == 1 &&
        EVP_DecryptFinal_ex(context, data_of(text) + text.size(), &size) == 1;
    if (genuine) return text;
    iso8583::zeroise(text.data(), text.size());
    return iso8583::parse_error("sealed PAN: it was changed, belongs to another record or another vault key");
}

iso8583::PanToken PanVault::token(const iso8583::Pan& pan) const { return impl_->hash_of(pan.reveal()); }

iso8583::PanToken PanVault::token_of_text(std::string_view text) const {
    // No PAN begins with a letter.
    std::string told_apart = "w|";
    told_apart += text;
    const iso8583::PanToken token = impl_->hash_of(told_apart);
    iso8583::zeroise(told_apart.data(), told_apart.size());
    return token;
}

iso8583::PanToken PanVault::Impl::hash_of(std::string_view text) const {
    EVP_MAC_CTX* context = hash.get();
    std::array<std::uint8_t, 32> full{};
    std::size_t size = 0;
    // Without a key: restarts with the one it has.
    ENSURE(EVP_MAC_init(context, nullptr, 0, nullptr) == 1);
    ENSURE(EVP_MAC_update(context, data_of(text), text.size()) == 1);
    ENSURE(EVP_MAC_final(context, full.data(), &size, full.size()) == 1 && size == full.size());
    iso8583::PanToken token;
    std::copy_n(full.begin(), token.bytes.size(), token.bytes.begin());
    return token;
}

}  // namespace ledger
