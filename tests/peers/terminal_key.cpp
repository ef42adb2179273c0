#include "tests/peers/terminal_key.hpp"

#include <algorithm>

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/mac.hpp"
#include "hsm_sim/pin_block.hpp"

namespace peers {

struct TerminalKey::Cipher {
    explicit Cipher(iso8583::ByteView key) : tdes(key) {
        if (key.size() == aes_key_bytes) aes = std::make_unique<hsm::AesCipher>(key);
    }
    static constexpr std::size_t aes_key_bytes = 16;
    hsm::TdesCipher tdes;
    std::unique_ptr<hsm::AesCipher> aes;  // of a key that may be a MAK for CMAC
};

TerminalKey::TerminalKey(iso8583::ByteView key) : cipher_(std::make_unique<Cipher>(key)) {}
TerminalKey::~TerminalKey() = default;
TerminalKey::TerminalKey(TerminalKey&&) noexcept = default;
TerminalKey& TerminalKey::operator=(TerminalKey&&) noexcept = default;

iso8583::Result<TerminalKey> TerminalKey::parse_hex(std::string_view hex) {
    auto bytes = iso8583::parse_hex(hex);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->size() != 8 && bytes->size() != 16 && bytes->size() != 24)
        return iso8583::parse_error("terminal key: 8, 16 or 24 bytes are needed");
    TerminalKey key(*bytes);
    iso8583::zeroise(bytes->data(), bytes->size());
    return key;
}

hsm::Mac TerminalKey::mac(hsm::MacProfile profile, iso8583::ByteView data) const {
    switch (profile.algorithm) {
        case hsm::MacAlgorithm::unionpay_ecb:
            return hsm::unionpay_mac(cipher_->tdes, data);
        case hsm::MacAlgorithm::retail:
            return hsm::retail_mac(cipher_->tdes, data, profile.padding);
        case hsm::MacAlgorithm::cbc:
            return hsm::cbc_mac(cipher_->tdes, data, profile.padding);
        case hsm::MacAlgorithm::aes_cmac: {
            ENSURE(cipher_->aes != nullptr);
            const hsm::Block16 whole = cipher_->aes->cmac(data);
            hsm::Mac first{};
            std::copy_n(whole.begin(), first.size(), first.begin());
            return first;
        }
    }
    ENSURE(false);
}

iso8583::Result<TerminalKey> TerminalKey::unwrap(iso8583::ByteView encrypted,
                                                 iso8583::ByteView expected_check) const {
    if (encrypted.size() != 8 && encrypted.size() != 16)
        return iso8583::parse_error("working key: 8 or 16 bytes are needed");
    iso8583::Bytes clear(encrypted.begin(), encrypted.end());
    cipher_->tdes.decrypt_ecb(clear);
    TerminalKey key(clear);
    iso8583::zeroise(clear.data(), clear.size());
    const auto check = key.check_value();
    if (!std::equal(check.begin(), check.end(), expected_check.begin(), expected_check.end()))
        return iso8583::parse_error("working key: its check value differs from the one that came with it");
    return key;
}

std::array<std::uint8_t, 4> TerminalKey::check_value() const {
    hsm::Block8 block{};
    cipher_->tdes.encrypt(block);
    return {block[0], block[1], block[2], block[3]};
}

iso8583::Bytes TerminalKey::pin_block(std::string_view pin, const iso8583::Pan& pan) const {
    const auto clear_pin = hsm::ClearPin::parse(pin);
    ENSURE(clear_pin.has_value());
    hsm::Block8 block =
        hsm::encode_pin_block(hsm::PinBlockFormat::iso0, *clear_pin, hsm::PinAccount::of(pan), {});
    cipher_->tdes.encrypt(block);
    iso8583::Bytes out(block.begin(), block.end());
    iso8583::zeroise(block.data(), block.size());
    return out;
}

}  // namespace peers
