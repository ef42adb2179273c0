// TR-31 / ANSI X9.143 key blocks, versions B (TDES) and D (AES): wrap and unwrap under a key block protection
// key.
//
// Units: text; the length field counts characters. Ownership: values; clear keys are wiped. Thread: one at a
// time. Errors: KeyBlockFault names what was wrong and where, never a key. Order of checks: length, then the
// MAC, then everything else, because nothing of a block whose MAC is wrong may be believed. Source: ASC X9 TR
// 31-2018, X9.143-2021; ISO 20038 describes the same for AES.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hsm_sim/clear_key.hpp"
#include "hsm_sim/port.hpp"
#include "iso8583/values/random_source.hpp"

namespace hsm {

struct KeyBlockHeader {
    struct OptionalBlock {
        std::string id;    // 2 characters
        std::string data;  // printable ASCII
    };
    char version = 'D';                   // B or D
    std::string usage = "P0";             // 2 characters
    char algorithm = 'A';                 // A AES, T TDES, D DES, H HMAC
    char mode = 'B';                      // B C D E G N S T V X Y
    std::string key_version = "00";       // 2 characters
    char exportability = 'N';             // E under any KEK, S sensitive, N never
    std::vector<OptionalBlock> optional;  // padding blocks (PB) are added and removed by wrap and unwrap
};

struct KeyBlockFault {
    HsmFault fault = HsmFault::key_block_authentication;
    std::string what;  // "length field says 0072, the block has 0088 characters"
};

struct UnwrappedKey {
    KeyBlockHeader header;
    ClearKey key;
};

/// A key block protection key, keyed once.
class KeyBlockProtection {
  public:
    static constexpr std::size_t characters_max = 512;
    static constexpr std::size_t optional_blocks_max = 8;

    /// 16 or 24 bytes: version B.
    static KeyBlockProtection tdes(iso8583::ByteView key);
    /// 16, 24 or 32 bytes: version D.
    static KeyBlockProtection aes(iso8583::ByteView key);
    ~KeyBlockProtection();
    KeyBlockProtection(KeyBlockProtection&&) noexcept;
    KeyBlockProtection& operator=(KeyBlockProtection&&) noexcept;

    /// The header's version must be this key's. Padding is drawn from `random`.
    [[nodiscard]] std::string wrap(const KeyBlockHeader& header, const ClearKey& key,
                                   iso8583::RandomSource& random) const;
    [[nodiscard]] iso8583::Result<UnwrappedKey, KeyBlockFault> unwrap(std::string_view block) const;
    [[nodiscard]] char version() const;

  private:
    struct Keyed;
    explicit KeyBlockProtection(std::unique_ptr<Keyed> keyed);
    std::unique_ptr<Keyed> keyed_;
};

}  // namespace hsm
