#include "ledger/vault_key_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

#include "iso8583/values/ensure.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/record_codec.hpp"
#include "ledger/vault_key_format.hpp"

namespace ledger {

using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::uint8_t record_version = 1;
constexpr std::size_t kek_file_bytes_max = 4096;
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
    auto file = read_small_file(path, kek_file_bytes_max);
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

namespace {

Result<Bytes> unwrapped(std::string_view sealed_by, ByteView wrapped, const std::string& where,
                        const KeyEncryption& kek) {
    if (sealed_by != kek.name())
        return parse_error(where + ": it is sealed under \"" + std::string(sealed_by) + "\", not under \"" +
                           std::string(kek.name()) + "\"");
    auto clear = kek.unwrap(wrapped);
    if (!clear) return parse_error(where + ": " + clear.error().what);
    return clear;
}

}  // namespace

Result<Bytes> open_sealed_key(std::string_view sealed, const std::string& where, const KeyEncryption& kek) {
    RecordReader r(sealed, record_version, "sealed key");
    const std::string sealed_by(r.text("sealed by"));
    const ByteView wrapped = r.bytes("wrapped key");
    if (const auto done = r.done(); !done) return parse_error(where + ": " + done.error().what());
    return unwrapped(sealed_by, wrapped, where, kek);
}

namespace {

using Mac = std::array<std::uint8_t, SealedVaultKeys::mac_bytes>;

Mac mac_of(const SealedVaultKeys& file, const TokenKey& key) {
    const std::string input = mac_input(file);
    Mac mac{};
    unsigned size = 0;
    ENSURE(HMAC(EVP_sha256(), key.reveal().data(), static_cast<int>(key.reveal().size()),
                iso8583::as_bytes(input).data(), input.size(), mac.data(), &size) != nullptr &&
           size == mac.size());
    return mac;
}

template <typename Key>
Key key_at(ByteView clear, std::size_t at) {
    std::array<std::uint8_t, Key::size> bytes{};
    std::copy_n(clear.begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), bytes.begin());
    const Key key(bytes);
    iso8583::zeroise(bytes.data(), bytes.size());
    return key;
}

template <typename Key>
Key new_key(iso8583::RandomSource& random) {
    std::array<std::uint8_t, Key::size> bytes{};
    random.fill(bytes);
    const Key made(bytes);
    iso8583::zeroise(bytes.data(), bytes.size());
    return made;
}

Result<void> store_vault_keys(const std::string& path, const KeyEncryption& kek, const VaultKeys& keys) {
    const auto sealed = seal_vault_keys(kek, keys);
    if (!sealed) return tl::unexpected(sealed.error());
    const auto written = replace_file_wiping(path, iso8583::as_bytes(*sealed));
    if (!written) return parse_error("vault key: " + written.error().what);
    return {};
}

/// nullopt when there is no file.
Result<std::optional<VaultKeys>> read_vault_keys(const std::string& path, const KeyEncryption& kek) {
    const auto file = read_small_file(path, vault_key_file_bytes_max);
    if (!file) return parse_error("vault key: " + file.error().what);
    if (!*file) return std::optional<VaultKeys>{};
    auto keys = open_vault_keys(iso8583::as_text(**file), path, kek);
    if (!keys) return tl::unexpected(keys.error());
    return std::optional<VaultKeys>(std::move(*keys));
}

}  // namespace

VaultKeys new_vault_keys(iso8583::RandomSource& random, iso8583::UtcTime now) {
    return {
        new_key<TokenKey>(random), {{first_vault_key, now, new_key<SealingKey>(random)}}, first_vault_key};
}

Result<VaultKeys> with_new_key(VaultKeys keys, std::uint32_t number, iso8583::RandomSource& random,
                               iso8583::UtcTime now) {
    // What was made and did not begin to seal, because the process died, is as good as new.
    if (keys.find(number) == nullptr) {
        if (number <= keys.sealing.back().number)
            return parse_error("vault key " + std::to_string(number) + ": there is a later one already");
        if (keys.sealing.size() == vault_keys_max)
            return parse_error("there are " + std::to_string(vault_keys_max) +
                               " vault keys: old ones have to be retired first");
        keys.sealing.push_back({number, now, new_key<SealingKey>(random)});
    }
    keys.active = number;
    return keys;
}

Result<VaultKeys> without_key(VaultKeys keys, std::uint32_t number) {
    if (number == keys.active)
        return parse_error("vault key " + std::to_string(number) + " is the active one");
    std::erase_if(keys.sealing, [number](const VaultKeys::Sealing& key) { return key.number == number; });
    return keys;
}

Result<std::string> seal_vault_keys(const KeyEncryption& kek, const VaultKeys& keys) {
    Bytes clear;
    clear.reserve(TokenKey::size + keys.sealing.size() * SealingKey::size);  // no copy when it grows
    const Wipe wipe{clear};
    const auto take = [&clear](ByteView key) { clear.insert(clear.end(), key.begin(), key.end()); };
    take(keys.token.reveal());
    SealedVaultKeys file;
    file.sealed_by = kek.name();
    for (const VaultKeys::Sealing& key : keys.sealing) {
        take(key.key.reveal());
        file.keys.push_back({key.number, key.made, key.number == keys.active});
    }
    auto wrapped = kek.wrap(clear);
    if (!wrapped) return parse_error("vault key: " + wrapped.error().what);
    file.wrapped = std::move(*wrapped);
    file.mac = mac_of(file, keys.token);
    return encode(file);
}

Result<VaultKeys> open_vault_keys(std::string_view sealed, const std::string& where,
                                  const KeyEncryption& kek) {
    const std::string of_what = "vault key " + where;
    auto file = decode_vault_key_file(sealed);
    if (!file) return parse_error(of_what + ": " + file.error().what);
    auto clear = unwrapped(file->sealed_by, file->wrapped, of_what, kek);
    if (!clear) return tl::unexpected(clear.error());
    const Wipe wipe{*clear};
    const std::size_t wanted =
        file->keys.empty() ? PanVaultKey::size : TokenKey::size + file->keys.size() * SealingKey::size;
    if (clear->size() != wanted)
        return parse_error(of_what + ": its keys are not " + std::to_string(wanted) + " bytes long");
    if (file->keys.empty()) return VaultKeys::of(key_at<PanVaultKey>(*clear, 0));
    VaultKeys keys{key_at<TokenKey>(*clear, 0), {}, first_vault_key};
    keys.sealing.reserve(file->keys.size());
    std::size_t at = TokenKey::size;
    for (const SealedVaultKeys::Key& key : file->keys) {
        keys.sealing.push_back({key.number, key.made, key_at<SealingKey>(*clear, at)});
        if (key.active) keys.active = key.number;
        at += SealingKey::size;
    }
    // Numbers and dates are nobody's to change: a period that looks younger would never end.
    const Mac mac = mac_of(*file, keys.token);
    if (CRYPTO_memcmp(mac.data(), file->mac.data(), mac.size()) != 0)
        return parse_error(of_what + ": numbers, dates or states of its keys were changed");
    return keys;
}

Result<VaultKeys> load_vault_keys(const std::string& path, const KeyEncryption& kek) {
    auto keys = read_vault_keys(path, kek);
    if (!keys) return tl::unexpected(keys.error());
    if (!*keys)
        return parse_error("vault key " + path +
                           ": the file is missing, and without it no stored PAN can be opened; "
                           "put it back from the backup");
    return std::move(**keys);
}

Result<VaultKeys> load_or_create_vault_keys(const std::string& path, const KeyEncryption& kek,
                                            iso8583::RandomSource& random, iso8583::UtcTime now) {
    auto keys = read_vault_keys(path, kek);
    if (!keys) return tl::unexpected(keys.error());
    if (*keys) return std::move(**keys);
    VaultKeys made = new_vault_keys(random, now);
    if (auto stored = store_vault_keys(path, kek, made); !stored) return tl::unexpected(stored.error());
    return made;
}

Result<void> replace_vault_keys(const std::string& path, const KeyEncryption& kek, const VaultKeys& keys) {
    return store_vault_keys(path, kek, keys);
}

Result<void> rewrap_vault_keys(const std::string& path, const KeyEncryption& old_kek,
                               const KeyEncryption& new_kek) {
    const auto keys = load_vault_keys(path, old_kek);
    if (!keys) return tl::unexpected(keys.error());
    return store_vault_keys(path, new_kek, *keys);
}

}  // namespace ledger
