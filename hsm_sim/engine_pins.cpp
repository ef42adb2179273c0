// PIN blocks under keys: decryption, encryption, translation. A clear PIN lives on the stack of one call.
#include <cstring>

#include "hsm_sim/dukpt.hpp"
#include "hsm_sim/engine_parts.hpp"
#include "hsm_sim/mac.hpp"
#include "hsm_sim/stack_wipe.hpp"

namespace hsm {
namespace {

using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::Result;

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

Answer<PinTranslation> HsmEngine::Parts::translate_pin(const PinSource& source, std::string_view zpk,
                                                       PinBlockFormat destination_format,
                                                       const PinAccount& account) {
    if (source.kind != KeyKind::tpk && source.kind != KeyKind::zpk)
        return refuse(HsmFault::key_use, "a " + std::string(name(source.kind)) + " encrypts no PINs");
    if (!translation_allowed(source.format, destination_format))
        return refuse(HsmFault::pin_block_format,
                      "translation into a format that is not bound to the account");
    const auto from = keys.find(source.kind, source.key, HsmFault::source_key_parity);
    if (!from) return tl::unexpected(from.error());
    const auto to = keys.find(KeyKind::zpk, zpk, HsmFault::destination_key_parity);
    if (!to) return tl::unexpected(to.error());
    if (!mode_allows((*from)->attributes.mode, "BD") || !mode_allows((*to)->attributes.mode, "BE"))
        return refuse(HsmFault::key_usage, "a PIN key's mode of use does not allow this direction");
    if (!cipher_fits(**to, destination_format))
        return refuse(HsmFault::pin_block_format,
                      "the destination format does not go with the ZPK's algorithm");
    const auto pin = decrypt_counted(**from, (*from)->fingerprint, source.format, source.block, account);
    if (!pin) return tl::unexpected(pin.error());
    return PinTranslation{pin->size(), encrypt_pin(**to, destination_format, *pin, account)};
}

Result<PinTranslation, HsmFault> HsmEngine::translate_pin(const PinToVerify& source, std::string_view zpk,
                                                          PinBlockFormat destination_format) {
    auto done = without_traces([&] {
        return parts_->translate_pin({source.kind, source.key, source.format, source.pin_block}, zpk,
                                     destination_format, source.account);
    });
    if (!done) return parts_->explain(done.error());
    return std::move(*done);
}

namespace {

/// The PIN key of one DUKPT transaction, keyed; format 4 asks for AES, the others for TDES.
Answer<KeyRing::Keyed> dukpt_pin_key(const UnwrappedLmkKey& bdk, std::string_view ksn_text,
                                     PinBlockFormat format) {
    KeyRing::Keyed keyed;
    if (bdk.attributes.algorithm == 'A') {
        const auto ksn = parse_aes_ksn(ksn_text);
        if (!ksn) return refuse(ksn.error(), "the KSN of an AES BDK has 24 hex digits");
        const auto type = format != PinBlockFormat::iso4 ? DukptKeyType::tdes_double
                          : bdk.key.size() == 32         ? DukptKeyType::aes256
                          : bdk.key.size() == 24         ? DukptKeyType::aes192
                                                         : DukptKeyType::aes128;
        const ClearKey key = dukpt_aes_working_key(bdk.key.view(), *ksn, DukptUsage::pin_encryption, type);
        if (format == PinBlockFormat::iso4)
            keyed.aes = std::make_unique<AesCipher>(key.view());
        else
            keyed.tdes = std::make_shared<const TdesCipher>(key.view());
        return keyed;
    }
    const auto ksn = parse_tdes_ksn(ksn_text);
    if (!ksn) return refuse(ksn.error(), "the KSN of a TDES BDK has 16 to 20 hex digits");
    if (bdk.key.size() != 16) return refuse(HsmFault::key_length, "a TDES BDK is double-length");
    keyed.tdes = std::make_shared<const TdesCipher>(
        dukpt_tdes_working_key(bdk.key.view(), *ksn, DukptPurpose::pin).view());
    return keyed;
}

}  // namespace

Answer<PinTranslation> HsmEngine::Parts::translate_dukpt_pin(const TranslateDukptPin& request) {
    if (!translation_allowed(request.source_format, request.destination_format))
        return refuse(HsmFault::pin_block_format,
                      "translation into a format that is not bound to the account");
    const auto bdk = keys.unwrap(KeyKind::bdk, request.bdk, HsmFault::source_key_parity);
    if (!bdk) return tl::unexpected(bdk.error());
    const auto to = keys.find(KeyKind::zpk, request.zpk, HsmFault::destination_key_parity);
    if (!to) return tl::unexpected(to.error());
    if (!mode_allows(bdk->attributes.mode, "X") || !mode_allows((*to)->attributes.mode, "BE"))
        return refuse(HsmFault::key_usage, "a key's mode of use does not allow this");
    if (!cipher_fits(**to, request.destination_format))
        return refuse(HsmFault::pin_block_format,
                      "the destination format does not go with the ZPK's algorithm");
    auto from = dukpt_pin_key(*bdk, request.ksn, request.source_format);
    if (!from) return tl::unexpected(from.error());
    const auto fingerprint = fingerprint_of(bdk->key.view(), bdk->attributes.algorithm == 'A');
    const auto pin =
        decrypt_counted(*from, fingerprint, request.source_format, request.pin_block, request.account);
    if (!pin) return tl::unexpected(pin.error());
    return PinTranslation{pin->size(), encrypt_pin(**to, request.destination_format, *pin, request.account)};
}

Result<PinTranslation, HsmFault> HsmEngine::translate_dukpt_pin(const TranslateDukptPin& request) {
    auto done = without_traces([&] { return parts_->translate_dukpt_pin(request); });
    if (!done) return parts_->explain(done.error());
    return std::move(*done);
}

Result<Bytes, HsmFault> HsmEngine::dukpt_mac(const DukptMac& request) {
    const auto bdk = parts_->keys.unwrap(KeyKind::bdk, request.bdk, HsmFault::source_key_parity);
    if (!bdk) return parts_->explain(bdk.error());
    if (!mode_allows(bdk->attributes.mode, "X"))
        return parts_->explain({HsmFault::key_usage, "the BDK's mode does not allow it to derive"});
    const bool to_us = request.direction == DukptMacDirection::request;
    if (bdk->attributes.algorithm == 'A') {
        const auto ksn = parse_aes_ksn(request.ksn);
        if (!ksn) return parts_->explain({ksn.error(), "the KSN of an AES BDK has 24 hex digits"});
        const auto type = bdk->key.size() == 32 ? DukptKeyType::aes256 : DukptKeyType::aes128;
        const auto usage = to_us ? DukptUsage::mac_generation : DukptUsage::mac_verification;
        AesCipher cipher(dukpt_aes_working_key(bdk->key.view(), *ksn, usage, type).view());
        const Block16 mac = cipher.cmac(request.data);
        return Bytes(mac.begin(), mac.end());
    }
    const auto ksn = parse_tdes_ksn(request.ksn);
    if (!ksn || bdk->key.size() != 16)
        return parts_->explain(
            {HsmFault::input, "a TDES BDK is double-length and its KSN has 16 to 20 hex digits"});
    const auto purpose = to_us ? DukptPurpose::mac_request : DukptPurpose::mac_response;
    const TdesCipher cipher(dukpt_tdes_working_key(bdk->key.view(), *ksn, purpose).view());
    const Block8 mac = retail_mac(cipher, request.data, request.padding);
    return Bytes(mac.begin(), mac.end());
}

}  // namespace hsm
