// The bytes of the file vault.key, both forms, without a look at what is sealed in them. Do not change:
// docs/ledger_format.md, "Vault key file". Pure; vault_key_file.hpp seals and opens.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"

namespace ledger {

struct SealedVaultKeys {
    struct Key {
        std::uint32_t number = 0;
        iso8583::UtcTime made;  // 0: before keys had dates
        bool active = false;
        friend bool operator==(const Key&, const Key&) = default;
    };
    static constexpr std::size_t mac_bytes = 32;

    std::string sealed_by;   // name of the key-encryption key
    iso8583::Bytes wrapped;  // of all keys; which stands where is said by `keys`
    /// Ascending, exactly one active. Empty: the old form, of one key without a number or a date.
    std::vector<Key> keys;
    std::array<std::uint8_t, mac_bytes> mac{};  // under the token key, over what mac_input() says
    friend bool operator==(const SealedVaultKeys&, const SealedVaultKeys&) = default;
};

/// The newer form; ENSUREs that there are keys.
std::string encode(const SealedVaultKeys& file);
/// Errors name the field and the offset, and no bytes. The MAC is not judged here.
iso8583::Result<SealedVaultKeys> decode_vault_key_file(std::string_view bytes);
/// What the MAC is over: version and fields before it.
std::string mac_input(const SealedVaultKeys& file);

}  // namespace ledger
