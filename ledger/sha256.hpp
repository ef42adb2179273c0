// SHA-256 (FIPS 180-4) that can be put down between two pieces of a text and taken up again after a restart:
// its state is 32 bytes and a count, which stand in the record of a file that arrives in pieces
// (file_books.hpp). OpenSSL's context cannot be stored, and what is hashed here is public: so it is written
// out. A test holds it against OpenSSL's.
//
// Values; no owner, any thread, no errors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/bytes.hpp"

namespace ledger {

using Sha256Digest = std::array<std::uint8_t, 32>;

class Sha256 {
  public:
    static constexpr std::size_t block_bytes = 64;

    /// What has been hashed so far, as it is stored.
    struct State {
        std::array<std::uint32_t, 8> words{0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                           0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
        std::uint64_t bytes = 0;  // whole blocks
        friend bool operator==(const State&, const State&) = default;
    };

    Sha256() = default;
    explicit Sha256(const State& state) : state_(state) {}
    /// Whole blocks: ENSUREs a multiple of block_bytes.
    void add_blocks(iso8583::ByteView blocks);
    /// The digest of all that was added and, at last, of `rest`, which may have any length.
    [[nodiscard]] Sha256Digest finish(iso8583::ByteView rest) const;
    [[nodiscard]] const State& state() const { return state_; }

  private:
    State state_;
};

/// As people write and compare it: 64 digits 0–9 a–f.
std::string digest_text(const Sha256Digest& digest);
/// Is a text of that form?
bool is_digest_text(std::string_view text);

}  // namespace ledger
