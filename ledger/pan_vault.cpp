#include "ledger/pan_vault.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/aes_siv.hpp"

namespace ledger {

using iso8583::ByteView;
using iso8583::Result;

namespace {

template <auto free_function>
struct Free {
    template <typename T>
    void operator()(T* p) const {
        free_function(p);
    }
};
using MacAlgorithm = std::unique_ptr<EVP_MAC, Free<EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>>;

const unsigned char* data_of(std::string_view text) { return iso8583::as_bytes(text).data(); }
unsigned char* data_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

struct PanVault::Impl {
    struct Keyed {
        VaultKeyInfo info;
        AesSiv siv;
    };

    std::vector<Keyed> keys;  // ascending
    std::size_t active = 0;
    MacContext hash;  // restarts with the key that it has

    explicit Impl(const TokenKey& token) {
        const MacAlgorithm hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
        ENSURE(hmac);
        hash.reset(EVP_MAC_CTX_new(hmac.get()));
        ENSURE(hash);
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                         OSSL_PARAM_construct_end()};
        const ByteView hash_key = token.reveal();
        ENSURE(EVP_MAC_init(hash.get(), hash_key.data(), hash_key.size(), parameters) == 1);
    }

    void add(const VaultKeys::Sealing& key) {
        keys.push_back({{key.number, key.made}, AesSiv(key.key.reveal())});
    }
    [[nodiscard]] Keyed* find(std::uint32_t number) {
        for (Keyed& key : keys)
            if (key.info.number == number) return &key;
        return nullptr;
    }

    iso8583::PanToken hash_of(std::string_view text) const;
};

VaultKeys VaultKeys::of(const PanVaultKey& key, iso8583::UtcTime made) {
    const ByteView bytes = key.reveal();
    std::array<std::uint8_t, SealingKey::size> sealing{};
    std::array<std::uint8_t, TokenKey::size> token{};
    std::copy_n(bytes.begin(), sealing.size(), sealing.begin());
    std::copy_n(bytes.begin() + sealing.size(), token.size(), token.begin());
    VaultKeys keys{TokenKey(token), {{first_vault_key, made, SealingKey(sealing)}}, first_vault_key};
    iso8583::zeroise(sealing.data(), sealing.size());
    iso8583::zeroise(token.data(), token.size());
    return keys;
}

const VaultKeys::Sealing* VaultKeys::find(std::uint32_t number) const {
    for (const Sealing& key : sealing)
        if (key.number == number) return &key;
    return nullptr;
}

PanVault::PanVault(const VaultKeys& keys) : impl_(std::make_unique<Impl>(keys.token)) {
    for (const VaultKeys::Sealing& key : keys.sealing) impl_->add(key);
    use(keys.active);
}
PanVault::~PanVault() = default;
PanVault::PanVault(PanVault&&) noexcept = default;
PanVault& PanVault::operator=(PanVault&&) noexcept = default;

std::uint32_t PanVault::active() const { return impl_->keys[impl_->active].info.number; }

bool PanVault::has(std::uint32_t key) const { return impl_->find(key) != nullptr; }

std::vector<VaultKeyInfo> PanVault::keys() const {
    std::vector<VaultKeyInfo> infos;
    for (const Impl::Keyed& key : impl_->keys) infos.push_back(key.info);
    return infos;
}

void PanVault::use(std::uint32_t key) {
    const Impl::Keyed* found = impl_->find(key);
    ENSURE(found != nullptr);
    impl_->active = static_cast<std::size_t>(found - impl_->keys.data());
}

void PanVault::hold(const VaultKeys& keys) {
    const std::uint32_t active_before = active();
    std::erase_if(impl_->keys, [&](const Impl::Keyed& key) { return keys.find(key.info.number) == nullptr; });
    for (const VaultKeys::Sealing& key : keys.sealing)
        if (!has(key.number)) impl_->add(key);
    use(active_before);
}

std::string PanVault::seal(std::string_view text, std::string_view record_key) const {
    std::string sealed(AesSiv::iv_bytes + text.size(), '\0');
    impl_->keys[impl_->active].siv.seal(text, record_key, data_of(sealed));
    return sealed;
}

Result<std::string> PanVault::open(std::string_view sealed, std::string_view record_key,
                                   std::uint32_t key) const {
    if (sealed.size() <= AesSiv::iv_bytes)
        return iso8583::parse_error("sealed PAN: shorter than a synthetic IV and one byte");
    Impl::Keyed* keyed = impl_->find(key);
    if (keyed == nullptr)
        return iso8583::parse_error("sealed PAN: the vault has no key " + std::to_string(key) +
                                    ", which sealed it");
    std::string text(sealed.size() - AesSiv::iv_bytes, '\0');
    if (keyed->siv.open(sealed, record_key, data_of(text))) return text;
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
