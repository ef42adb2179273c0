// The vault's keys on disk: one small file in the data directory, sealed under a key-encryption key that is
// not there: the LMK (implemented over the HSM engine) or a key file elsewhere (KeyFileKek). Bytes:
// vault_key_format.hpp, docs/ledger_format.md, "Vault key file". Thread: one at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/random_source.hpp"
#include "iso8583/values/result.hpp"
#include "ledger/pan_vault.hpp"

namespace ledger {

/// Wraps and unwraps key material. Errors name no bytes.
class KeyEncryption {
  public:
    virtual ~KeyEncryption() = default;
    /// What seals, as the file records it and errors say it: "LMK", "key file".
    [[nodiscard]] virtual std::string_view name() const = 0;
    [[nodiscard]] virtual iso8583::Result<iso8583::Bytes> wrap(iso8583::ByteView clear) const = 0;
    /// Fails when the bytes were changed or wrapped under another key.
    [[nodiscard]] virtual iso8583::Result<iso8583::Bytes> unwrap(iso8583::ByteView wrapped) const = 0;
};

/// AES-256 key wrap (RFC 3394) under a key that stands in a file of 64 hex digits. The file must be the
/// owner's alone, and belongs on another device than the data.
class KeyFileKek final : public KeyEncryption {
  public:
    static iso8583::Result<KeyFileKek> load(const std::string& path);
    /// Makes a new key; an existing file is an error.
    static iso8583::Result<KeyFileKek> create(const std::string& path, iso8583::RandomSource& random);
    ~KeyFileKek() override;
    KeyFileKek(KeyFileKek&&) noexcept;
    KeyFileKek& operator=(KeyFileKek&&) noexcept;

    [[nodiscard]] std::string_view name() const override { return "key file"; }
    [[nodiscard]] iso8583::Result<iso8583::Bytes> wrap(iso8583::ByteView clear) const override;
    [[nodiscard]] iso8583::Result<iso8583::Bytes> unwrap(iso8583::ByteView wrapped) const override;

  private:
    struct Key;
    explicit KeyFileKek(std::unique_ptr<Key> key);
    std::unique_ptr<Key> key_;
};

/// Bound of the file.
inline constexpr std::size_t vault_key_file_bytes_max = 4'096;

/// A vault's first keys.
VaultKeys new_vault_keys(iso8583::RandomSource& random, iso8583::UtcTime now);
/// With a sealing key of that number, which is the active one from then on. One that is there already stays
/// as it is. An error when there is a later one, or no room.
iso8583::Result<VaultKeys> with_new_key(VaultKeys keys, std::uint32_t number, iso8583::RandomSource& random,
                                        iso8583::UtcTime now);
/// Without it; one that is not there is no error, the active one is.
iso8583::Result<VaultKeys> without_key(VaultKeys keys, std::uint32_t number);

/// The keys in `path`, of either form (a key of the old one has number 1 and no date); an absent file is an
/// error. Use this when the store already holds records: a new key could never open their PANs.
iso8583::Result<VaultKeys> load_vault_keys(const std::string& path, const KeyEncryption& kek);
/// For a store that may be new: makes keys and their file when there is none.
iso8583::Result<VaultKeys> load_or_create_vault_keys(const std::string& path, const KeyEncryption& kek,
                                                     iso8583::RandomSource& random, iso8583::UtcTime now);
/// Written beside, synced, renamed, the directory synced; what stood there before is written over.
iso8583::Result<void> replace_vault_keys(const std::string& path, const KeyEncryption& kek,
                                         const VaultKeys& keys);
/// The bytes of the file, for a ledger that lies elsewhere.
iso8583::Result<std::string> seal_vault_keys(const KeyEncryption& kek, const VaultKeys& keys);
/// `where` they were found, for errors.
iso8583::Result<VaultKeys> open_vault_keys(std::string_view sealed, const std::string& where,
                                           const KeyEncryption& kek);
/// After a change of the key-encryption key: the same keys sealed anew, replaced in one step.
iso8583::Result<void> rewrap_vault_keys(const std::string& path, const KeyEncryption& old_kek,
                                        const KeyEncryption& new_kek);

/// Any other key, sealed in the old form of the file: record of what seals and the wrapped bytes.
iso8583::Result<std::string> seal_key(const KeyEncryption& kek, iso8583::ByteView clear);
/// Wiped by the caller. `where` it was found, for errors.
iso8583::Result<iso8583::Bytes> open_sealed_key(std::string_view sealed, const std::string& where,
                                                const KeyEncryption& kek);

}  // namespace ledger
