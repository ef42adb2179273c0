// The local master key: twenty TDES pairs for variant schemes (16H, U, T, X) and one AES-256 key for S
// blocks. Every key that leaves the engine is encrypted under it.
//
// Units: key text in host-command form. Ownership: an Lmk owns its clear bytes, wipes them and lends nobody a
// view. Thread: one at a time. Errors: HsmFault; parity is the caller's to judge, because only it knows which
// key it is. Source: design of variant LMKs as payShield documents it publicly; TR-31 D for S blocks
// (docs/hsm.md).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "hsm_sim/clear_key.hpp"
#include "hsm_sim/key_block.hpp"
#include "hsm_sim/port.hpp"

namespace hsm {

/// The three hex digits of a host command: variant 0-9 and the code of an LMK pair.
struct KeyType {
    std::uint8_t variant = 0;  // 0 to 9
    std::uint8_t pair = 0;     // index of the pair, 2 is 04-05

    static iso8583::Result<KeyType, HsmFault> parse(std::string_view three_hex_digits);
    static KeyType of(KeyKind kind);
    [[nodiscard]] std::string text() const;
    friend bool operator==(const KeyType&, const KeyType&) = default;
};

/// Clear LMK bytes on their way into an Lmk: from the components of two officers, from a sealed file, or the
/// test set.
struct LmkMaterial {
    static constexpr std::size_t pairs_count = 20;
    std::array<std::array<std::uint8_t, 16>, pairs_count> pairs{};
    std::array<std::uint8_t, 32> aes{};
    bool is_test = false;

    LmkMaterial() = default;
    ~LmkMaterial();
    LmkMaterial(const LmkMaterial&) = default;
    LmkMaterial& operator=(const LmkMaterial&) = default;
};

class Lmk {
  public:
    /// The published test LMK (design: docs/hsm.md) and a fixed AES test key. Protects nothing.
    static Lmk test();
    explicit Lmk(const LmkMaterial& material);
    ~Lmk();
    Lmk(Lmk&&) noexcept;
    Lmk& operator=(Lmk&&) noexcept;

    /// Variant schemes: 16H, 32H (read as X), U, T, X, Y. Parity is not checked.
    [[nodiscard]] iso8583::Result<ClearKey, HsmFault> unwrap_variant(KeyType type,
                                                                     std::string_view text) const;
    /// `scheme`: 'Z' for 16H, 'U' (16 bytes), 'T' (24 bytes), 'X' (16 bytes, plain ECB).
    [[nodiscard]] std::string wrap_variant(KeyType type, const ClearKey& key, char scheme) const;
    /// Protects S blocks.
    [[nodiscard]] const KeyBlockProtection& blocks() const;
    /// Eight bytes that tell one LMK from another (host command NC).
    [[nodiscard]] std::array<std::uint8_t, 8> check_value() const;
    [[nodiscard]] bool is_test() const;
    /// A key of its own for the hashes of hsm_sim/pin_guard.hpp: the same after a restart, no use for
    /// anything else.
    [[nodiscard]] ClearKey pin_count_key() const;
    /// HMAC-SHA256 under a key that is derived from the AES key, for what hsm-sim notes of itself.
    [[nodiscard]] std::array<std::uint8_t, 32> audit_mac(iso8583::ByteView bytes) const;

  private:
    struct Keys;
    std::unique_ptr<Keys> keys_;
};

/// TDES under a clear key the way host commands carry keys under a ZMK or TMK: 'Z' and 'X' 'Y' plain ECB, 'U'
/// 'T' with the scheme's variant on the second half of the encrypting key.
[[nodiscard]] std::string wrap_under_key(const ClearKey& kek, const ClearKey& key, char scheme);
[[nodiscard]] iso8583::Result<ClearKey, HsmFault> unwrap_under_key(const ClearKey& kek,
                                                                   std::string_view text);

}  // namespace hsm
