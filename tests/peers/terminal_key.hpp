// TerminalKey: a key as a terminal holds it, in clear, for tests, benches and the demo. The switch and its
// HSM never see this class. Made once per key, used for many messages; wiped when it dies. One thread.
// Source: docs/wire.md (MAC of both profiles, sign-on reply), ISO 9564-1 format 0.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "hsm_sim/port.hpp"
#include "iso8583/values/bytes.hpp"
#include "iso8583/values/pan.hpp"
#include "iso8583/values/result.hpp"

namespace peers {

class TerminalKey {
  public:
    /// 8, 16 or 24 bytes; ENSUREs the size.
    explicit TerminalKey(iso8583::ByteView key);
    static iso8583::Result<TerminalKey> parse_hex(std::string_view hex);
    ~TerminalKey();
    TerminalKey(TerminalKey&&) noexcept;
    TerminalKey& operator=(TerminalKey&&) noexcept;

    /// The MAC of a message; aes_cmac takes the key's 16 bytes as an AES key.
    [[nodiscard]] hsm::Mac mac(hsm::MacProfile profile, iso8583::ByteView data) const;
    /// A key that came encrypted under this one (ECB); nothing when its check value differs.
    [[nodiscard]] iso8583::Result<TerminalKey> unwrap(iso8583::ByteView encrypted,
                                                      iso8583::ByteView check_value) const;
    /// The first 4 bytes of the encryption of zeros.
    [[nodiscard]] std::array<std::uint8_t, 4> check_value() const;
    /// An ISO 9564-1 format 0 block under this key, for DE52.
    [[nodiscard]] iso8583::Bytes pin_block(std::string_view pin, const iso8583::Pan& pan) const;

  private:
    struct Cipher;
    std::unique_ptr<Cipher> cipher_;
};

}  // namespace peers
