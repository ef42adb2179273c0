// PIN blocks under keys: decryption, encryption, translation. A clear PIN lives on the stack of one call.
#include <cstring>

#include "hsm_sim/engine_parts.hpp"

namespace hsm {
namespace {

using iso8583::Bytes;
using iso8583::ByteView;

void xor_into(Block16& to, const std::array<std::uint8_t, 16>& from) {
    for (std::size_t i = 0; i < 16; ++i) to[i] = static_cast<std::uint8_t>(to[i] ^ from[i]);
}

/// Format 4 is AES, the others TDES; ISO 9564-1 knows no other pairing.
bool cipher_fits(const KeyRing::Keyed& key, PinBlockFormat format) {
    return (format == PinBlockFormat::iso4) == (key.aes != nullptr);
}

}  // namespace

Answer<ClearPin> HsmEngine::Parts::decrypt_pin(KeyRing::Keyed& key, PinBlockFormat format, ByteView block,
                                               const PinAccount& account) {
    if (!cipher_fits(key, format))
        return refuse(HsmFault::pin_block_format,
                      "the PIN block format does not go with the key's algorithm");
    const std::size_t bytes = format == PinBlockFormat::iso4 ? 16 : 8;
    if (block.size() != bytes)
        return refuse(HsmFault::pin_block_format, "the PIN block has " + std::to_string(block.size()) +
                                                      " bytes, not " + std::to_string(bytes));
    const auto told = [](const iso8583::Result<ClearPin, HsmFault>& pin) -> Answer<ClearPin> {
        if (!pin)
            return refuse(pin.error(), "the decrypted PIN block is not a PIN of this format and account");
        return *pin;
    };
    if (format == PinBlockFormat::iso4) {
        Block16 clear;
        const Wipe wipe(clear);
        std::copy(block.begin(), block.end(), clear.begin());
        key.aes->decrypt(clear);
        xor_into(clear, account.field16());
        key.aes->decrypt(clear);
        return told(decode_pin_field4(clear));
    }
    Block8 clear;
    const Wipe wipe(clear);
    std::copy(block.begin(), block.end(), clear.begin());
    key.tdes->decrypt(clear);
    return told(decode_pin_block(format, clear, account));
}

Bytes HsmEngine::Parts::encrypt_pin(KeyRing::Keyed& key, PinBlockFormat format, const ClearPin& pin,
                                    const PinAccount& account) {
    if (format == PinBlockFormat::iso4) {
        Block16 block = encode_pin_field4(pin, random.eight());
        const Wipe wipe(block);
        key.aes->encrypt(block);
        xor_into(block, account.field16());
        key.aes->encrypt(block);
        return {block.begin(), block.end()};
    }
    Block8 block = encode_pin_block(format, pin, account, random.eight());
    const Wipe wipe(block);
    key.tdes->encrypt(block);
    return {block.begin(), block.end()};
}

Answer<Bytes> HsmEngine::Parts::translate_pin(const TranslatePin& request, const PinAccount& account) {
    if (request.source_kind != KeyKind::tpk && request.source_kind != KeyKind::zpk)
        return refuse(HsmFault::key_use, "a " + std::string(name(request.source_kind)) + " encrypts no PINs");
    if (!translation_allowed(request.source_format, request.destination_format))
        return refuse(HsmFault::pin_block_format,
                      "translation into a format that is not bound to the account");
    const auto source = keys.find(request.source_kind, request.source.text(), HsmFault::source_key_parity);
    if (!source) return tl::unexpected(source.error());
    const auto destination =
        keys.find(KeyKind::zpk, request.destination.text(), HsmFault::destination_key_parity);
    if (!destination) return tl::unexpected(destination.error());
    if (!mode_allows((*source)->attributes.mode, "BD") || !mode_allows((*destination)->attributes.mode, "BE"))
        return refuse(HsmFault::key_usage, "a PIN key's mode of use does not allow this direction");
    if (!cipher_fits(**destination, request.destination_format))
        return refuse(HsmFault::pin_block_format,
                      "the destination format does not go with the ZPK's algorithm");
    const auto pin = decrypt_pin(**source, request.source_format, request.pin_block, account);
    if (!pin) return tl::unexpected(pin.error());
    return encrypt_pin(**destination, request.destination_format, *pin, account);
}

}  // namespace hsm
