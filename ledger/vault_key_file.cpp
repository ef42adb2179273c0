#include "ledger/vault_key_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

#include "iso8583/values/ensure.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/record_codec.hpp"

namespace ledger {

using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::uint8_t record_version = 1;
constexpr std::size_t file_bytes_max = 4096;
constexpr std::size_t kek_bytes = 32;
constexpr std::size_t wrap_block_bytes = 8;  // RFC 3394: whole blocks in, one more out

/// Zeroises on the way out, whatever the way is.
struct Wipe {
    Bytes& bytes;
    ~Wipe() { iso8583::zeroise(bytes.data(), bytes.size()); }
};

struct CipherContext {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    CipherContext() { ENSURE(context != nullptr); }
    ~CipherContext() { EVP_CIPHER_CTX_free(context); }
    CipherContext(const CipherContext&) = delete;
    CipherContext& operator=(const CipherContext&) = delete;
};

/// nullopt when unwrapping finds the integrity value wrong.
std::optional<Bytes> aes_key_wrap(ByteView key, ByteView in, bool wrapping) {
    const CipherContext cipher;
    EVP_CIPHER_CTX_set_flags(cipher.context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ENSURE(EVP_CipherInit_ex(cipher.context, EVP_aes_256_wrap(), nullptr, key.data(), nullptr,
                             wrapping ? 1 : 0) == 1);
    Bytes out(in.size() + 2 * wrap_block_bytes);
    int size = 0;
    if (EVP_CipherUpdate(cipher.context, out.data(), &size, in.data(), static_cast<int>(in.size())) != 1) {
        iso8583::zeroise(out.data(), out.size());
        return std::nullopt;
    }
    out.resize(static_cast<std::size_t>(size));
    return out;
}

}  // namespace

struct KeyFileKek::Key {
    std::array<std::uint8_t, kek_bytes> bytes{};
    ~Key() { iso8583::zeroise(bytes.data(), bytes.size()); }
};

KeyFileKek::KeyFileKek(std::unique_ptr<Key> key) : key_(std::move(key)) {}
KeyFileKek::~KeyFileKek() = default;
KeyFileKek::KeyFileKek(KeyFileKek&&) noexcept = default;
KeyFileKek& KeyFileKek::operator=(KeyFileKek&&) noexcept = default;

Result<KeyFileKek> KeyFileKek::load(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return parse_error("key file " + path + ": it cannot be found or read");
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return parse_error("key file " + path + ": others than its owner may use it; set its mode to 0600");
    auto file = read_small_file(path, file_bytes_max);
    if (!file) return parse_error("key file: " + file.error().what);
    if (!*file) return parse_error("key file " + path + ": it cannot be found or read");
    const Wipe wipe_file{**file};
    std::string_view text = iso8583::as_text(**file);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    auto bytes = iso8583::parse_hex(text);
    if (!bytes || bytes->size() != kek_bytes)
        return parse_error("key file " + path + ": it must be 64 hex digits and a line end");
    const Wipe wipe_bytes{*bytes};
    auto key = std::make_unique<Key>();
    std::copy(bytes->begin(), bytes->end(), key->bytes.begin());
    return KeyFileKek(std::move(key));
}

Result<KeyFileKek> KeyFileKek::create(const std::string& path, iso8583::RandomSource& random) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) return parse_error("key file " + path + ": it exists already");
    auto key = std::make_unique<Key>();
    random.fill(key->bytes);
    std::string text = iso8583::to_hex(key->bytes) + "\n";
    const auto written = write_file_durably(path, iso8583::as_bytes(text));
    iso8583::zeroise(text.data(), text.size());
    if (!written) return parse_error("key file: " + written.error().what);
    return KeyFileKek(std::move(key));
}

Result<Bytes> KeyFileKek::wrap(ByteView clear) const {
    ENSURE(clear.size() >= 2 * wrap_block_bytes && clear.size() % wrap_block_bytes == 0);
    auto wrapped = aes_key_wrap(key_->bytes, clear, true);
    ENSURE(wrapped.has_value());
    return std::move(*wrapped);
}

Result<Bytes> KeyFileKek::unwrap(ByteView wrapped) const {
    if (wrapped.size() < 3 * wrap_block_bytes || wrapped.size() % wrap_block_bytes != 0)
        return parse_error("wrapped key: its length is no whole number of 8-byte blocks");
    auto clear = aes_key_wrap(key_->bytes, wrapped, false);
    if (!clear) return parse_error("wrapped key: it was changed or wrapped under another key file");
    return std::move(*clear);
}

Result<std::string> seal_key(const KeyEncryption& kek, ByteView clear) {
    const auto wrapped = kek.wrap(clear);
    if (!wrapped) return tl::unexpected(wrapped.error());
    RecordWriter w(record_version);
    w.text(kek.name());
    w.bytes(*wrapped);
    return std::string(w.finish());
}

Result<Bytes> open_sealed_key(std::string_view sealed, const std::string& where, const KeyEncryption& kek) {
    RecordReader r(sealed, record_version, "sealed key");
    const std::string sealed_by(r.text("sealed by"));
    const ByteView wrapped = r.bytes("wrapped key");
    if (const auto done = r.done(); !done) return parse_error(where + ": " + done.error().what());
    if (sealed_by != kek.name())
        return parse_error(where + ": it is sealed under \"" + sealed_by + "\", not under \"" +
                           std::string(kek.name()) + "\"");
    auto clear = kek.unwrap(wrapped);
    if (!clear) return parse_error(where + ": " + clear.error().what);
    return clear;
}

namespace {

Result<std::string> seal(const KeyEncryption& kek, ByteView clear) {
    auto sealed = seal_key(kek, clear);
    if (!sealed) return parse_error("vault key: " + sealed.error().what);
    return sealed;
}

Result<void> store_vault_key(const std::string& path, const KeyEncryption& kek, ByteView clear) {
    const auto sealed = seal(kek, clear);
    if (!sealed) return tl::unexpected(sealed.error());
    const auto written = write_file_durably(path, iso8583::as_bytes(*sealed));
    if (!written) return parse_error("vault key: " + written.error().what);
    return {};
}

PanVaultKey make_key(iso8583::RandomSource& random) {
    std::array<std::uint8_t, PanVaultKey::size> bytes{};
    random.fill(bytes);
    PanVaultKey made(bytes);
    iso8583::zeroise(bytes.data(), bytes.size());
    return made;
}

/// nullopt when there is no file.
Result<std::optional<PanVaultKey>> read_vault_key(const std::string& path, const KeyEncryption& kek) {
    const auto file = read_small_file(path, file_bytes_max);
    if (!file) return parse_error("vault key: " + file.error().what);
    if (!*file) return std::optional<PanVaultKey>{};
    auto key = open_vault_key(iso8583::as_text(**file), path, kek);
    if (!key) return tl::unexpected(key.error());
    return std::optional<PanVaultKey>(*key);
}

}  // namespace

Result<std::string> seal_new_vault_key(const KeyEncryption& kek, iso8583::RandomSource& random) {
    return seal(kek, make_key(random).reveal());
}

Result<PanVaultKey> open_vault_key(std::string_view sealed, const std::string& path,
                                   const KeyEncryption& kek) {
    auto clear = open_sealed_key(sealed, "vault key " + path, kek);
    if (!clear) return tl::unexpected(clear.error());
    const Wipe wipe{*clear};
    if (clear->size() != PanVaultKey::size)
        return parse_error("vault key " + path + ": it is not " + std::to_string(PanVaultKey::size) +
                           " bytes long");
    std::array<std::uint8_t, PanVaultKey::size> bytes{};
    std::copy(clear->begin(), clear->end(), bytes.begin());
    const PanVaultKey key(bytes);
    iso8583::zeroise(bytes.data(), bytes.size());
    return key;
}

Result<PanVaultKey> load_vault_key(const std::string& path, const KeyEncryption& kek) {
    auto key = read_vault_key(path, kek);
    if (!key) return tl::unexpected(key.error());
    if (!*key)
        return parse_error("vault key " + path +
                           ": the file is missing, and without it no stored PAN can be opened; "
                           "put it back from the backup");
    return **key;
}

Result<PanVaultKey> load_or_create_vault_key(const std::string& path, const KeyEncryption& kek,
                                             iso8583::RandomSource& random) {
    auto key = read_vault_key(path, kek);
    if (!key) return tl::unexpected(key.error());
    if (*key) return **key;
    const PanVaultKey made = make_key(random);
    if (auto stored = store_vault_key(path, kek, made.reveal()); !stored)
        return tl::unexpected(stored.error());
    return made;
}

Result<void> rewrap_vault_key(const std::string& path, const KeyEncryption& old_kek,
                              const KeyEncryption& new_kek) {
    const auto key = load_vault_key(path, old_kek);
    if (!key) return tl::unexpected(key.error());
    return store_vault_key(path, new_kek, key->reveal());
}

}  // namespace ledger
