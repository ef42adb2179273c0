// AesSiv: deterministic authenticated sealing, AES-128-SIV (RFC 5297) with one piece of associated data.
// OpenSSL has the mode, and copies three contexts of its own for each message, 11,000 instructions for a card
// number; its block cipher under keys that are scheduled once takes 1,500 (docs/performance.md). The same
// bytes come out (tests/ledger).
//
// Ownership: the key schedules are held here, wiped with their contexts. Thread: one. aes_siv.cpp sees
// OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "iso8583/values/bytes.hpp"

namespace ledger {

class AesSiv {
  public:
    static constexpr std::size_t key_bytes = 32;  // two AES-128 keys: S2V and CTR
    static constexpr std::size_t iv_bytes = 16;   // the synthetic IV in front of what is sealed

    explicit AesSiv(iso8583::ByteView key);
    ~AesSiv();
    AesSiv(AesSiv&&) noexcept;
    AesSiv& operator=(AesSiv&&) noexcept;

    /// Writes iv_bytes and as many bytes as the text has. Neither text nor associated data is empty.
    void seal(std::string_view text, std::string_view associated, std::uint8_t* sealed);
    /// Writes the bytes after the IV, opened; false, and zeros written, where anything was changed.
    [[nodiscard]] bool open(std::string_view sealed, std::string_view associated, std::uint8_t* text);

  private:
    using Block = std::array<std::uint8_t, 16>;
    struct Aes;

    [[nodiscard]] Block synthetic_iv(std::string_view text, std::string_view associated);
    void count_over(const Block& iv, const std::uint8_t* in, std::size_t size, std::uint8_t* out);

    std::unique_ptr<Aes> s2v_;
    std::unique_ptr<Aes> ctr_;
    Block subkey1_{};
    Block subkey2_{};
    Block of_zero_{};  // CMAC of a zero block, doubled: where S2V begins
};

}  // namespace ledger
