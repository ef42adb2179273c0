// A real LMK: made from the components of two officers, kept sealed on disk, opened at start.
//
// The file holds the LMK under a random key (AES-256-GCM), that key under both officers' passphrases together
// and, when wished, under a key file for unattended starts, and for each officer a value to check the
// passphrase by when the authorised state is asked for. All derivations are scrypt. Since version 2 a MAC
// under the file's key covers every line. A version does not change; both are read, the second is written.
//
// Ownership: values, clear bytes are wiped. Thread: any. Errors: sentences that name file and line, never
// contents.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "hsm_sim/clear_key.hpp"
#include "hsm_sim/lmk.hpp"
#include "iso8583/values/random_source.hpp"
#include "iso8583/values/result.hpp"

namespace hsm {

inline constexpr std::size_t lmk_component_bytes = 32;
inline constexpr std::size_t passphrase_characters_min = 12;
inline constexpr std::size_t officers_count = 2;

/// 64 hex digits. Refuses a component of equal bytes, which is no secret.
iso8583::Result<ClearKey> parse_lmk_component(std::string_view hex);
/// The LMK of two components: their XOR, from which all pairs and the AES key are derived (HMAC-SHA-256).
/// Refuses equal components.
iso8583::Result<LmkMaterial> combine_lmk_components(const ClearKey& first, const ClearKey& second);

struct SealedLmk {
    struct Officer {
        std::string salt;   // hex
        std::string check;  // hex
    };
    static constexpr unsigned cost_usual = 15;  // log2 of scrypt's N: 32 MiB and a tenth of a second

    unsigned cost = cost_usual;  // 10 to 20
    std::string check_value;     // 16H, as NC shows it
    std::string officers_slot;
    std::string key_file_slot;  // empty: no unattended start
    std::array<Officer, officers_count> officers;
    std::string sealed;
    std::string integrity;  // hex, HMAC-SHA-256 over the other lines under the file's key; empty: version 1

    [[nodiscard]] std::string text() const;
    static iso8583::Result<SealedLmk> parse(std::string_view text);
};

struct SealingSecrets {
    std::array<std::string, officers_count> passphrases;
    std::optional<ClearKey> key_file;
    ~SealingSecrets();
};

iso8583::Result<SealedLmk> seal_lmk(const LmkMaterial& material, const SealingSecrets& secrets,
                                    iso8583::RandomSource& random, unsigned cost = SealedLmk::cost_usual);
iso8583::Result<LmkMaterial> open_lmk(const SealedLmk& sealed,
                                      const std::array<std::string, officers_count>& passphrases);
iso8583::Result<LmkMaterial> open_lmk(const SealedLmk& sealed, const ClearKey& key_file);
/// Reads and opens a sealed LMK with its key file, without anybody at a terminal (unattended starts, an
/// embedded engine).
iso8583::Result<LmkMaterial> open_lmk_files(const std::string& path, const std::string& key_file);
iso8583::Result<SealedLmk> read_sealed_lmk(const std::string& path);
/// `officer` is 1 or 2. Takes about a tenth of a second on purpose.
[[nodiscard]] bool officer_knows(const SealedLmk& sealed, std::size_t officer, std::string_view passphrase);

/// Reads and writes with mode 0600; write goes through a new file, synced and renamed.
iso8583::Result<std::string> read_secret_file(const std::string& path, std::size_t bytes_max);
iso8583::Result<void> write_secret_file(const std::string& path, std::string_view content);

}  // namespace hsm
