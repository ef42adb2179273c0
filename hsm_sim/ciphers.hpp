// Keyed block ciphers, made once per key and used for every operation: DES and TDES over OpenSSL's plain key
// schedules (no provider look-up and no context per call), AES over cached EVP contexts (hardware AES).
//
// Ownership: a cipher owns its schedule and wipes it. Thread: one at a time (AesCipher keeps a chaining
// state). Errors: key sizes are checked by the callers, who get keys from files and peers; here a wrong one
// is our bug. Source: FIPS 46-3 / SP 800-67 (TDES), FIPS 197 (AES), SP 800-38B (CMAC). Only hsm_engine
// includes this header.
#pragma once

// The plain DES interface is deprecated for new protocols; payment terminals speak nothing else, and it is
// the only one that allows a key schedule to be kept between calls without a context of 1 µs per block.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/des.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

#include "hsm_sim/clear_key.hpp"

namespace hsm {

using Block8 = std::array<std::uint8_t, 8>;
using Block16 = std::array<std::uint8_t, 16>;

/// DES (8 bytes), two-key (16) and three-key (24) TDES.
class TdesCipher {
  public:
    explicit TdesCipher(iso8583::ByteView key);
    ~TdesCipher();
    TdesCipher(const TdesCipher&) = delete;
    TdesCipher& operator=(const TdesCipher&) = delete;

    void encrypt(Block8& block) const;
    void decrypt(Block8& block) const;
    /// ECB over whole blocks, in place.
    void encrypt_ecb(std::span<std::uint8_t> data) const;
    void decrypt_ecb(std::span<std::uint8_t> data) const;
    /// CBC with the given vector, in place, whole blocks.
    void encrypt_cbc(std::span<std::uint8_t> data, Block8 iv) const;
    void decrypt_cbc(std::span<std::uint8_t> data, Block8 iv) const;
    /// Chains whole blocks with the first single-length key only (the inner part of a retail MAC).
    void chain_single(iso8583::ByteView blocks, Block8& chain) const;
    /// The outer transformation of a retail MAC: decrypt with the second key, encrypt with the last.
    void finish_retail(Block8& block) const;
    [[nodiscard]] bool single() const { return key_bytes_ == 8; }
    [[nodiscard]] std::size_t key_bytes() const { return key_bytes_; }
    /// des_key_bits() of the first, second or third step's key.
    [[nodiscard]] std::uint64_t lane_key(std::size_t step) const { return lane_keys_[step]; }

  private:
    std::array<std::uint64_t, 3> lane_keys_{};
    DES_key_schedule first_{};
    DES_key_schedule second_{};
    DES_key_schedule third_{};
    std::size_t key_bytes_;
};

/// AES-128, 192, 256: single blocks, CBC and CMAC.
class AesCipher {
  public:
    explicit AesCipher(iso8583::ByteView key);
    ~AesCipher();
    AesCipher(const AesCipher&) = delete;
    AesCipher& operator=(const AesCipher&) = delete;

    void encrypt(Block16& block);
    void decrypt(Block16& block);
    void encrypt_cbc(std::span<std::uint8_t> data, Block16 iv);
    void decrypt_cbc(std::span<std::uint8_t> data, Block16 iv);
    Block16 cmac(iso8583::ByteView message);
    [[nodiscard]] std::size_t key_bytes() const { return key_bytes_; }

  private:
    struct FreeContext {
        void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
    };
    using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

    Context encrypt_;
    Context decrypt_;
    Context chain_;      // CBC, never started again: see cmac()
    Block16 chained_{};  // the chaining value that chain_ holds
    Block16 subkey1_{};
    Block16 subkey2_{};
    std::size_t key_bytes_;
};

/// Every byte gets odd parity (DES keys).
void set_odd_parity(std::span<std::uint8_t> key);
[[nodiscard]] bool has_odd_parity(iso8583::ByteView key);
/// True for a double or triple key whose parts are equal, which is no stronger than DES.
[[nodiscard]] bool is_single_length_masquerade(iso8583::ByteView key);
/// In time that does not depend on where the difference is.
[[nodiscard]] bool equal_constant_time(iso8583::ByteView a, iso8583::ByteView b);

}  // namespace hsm
