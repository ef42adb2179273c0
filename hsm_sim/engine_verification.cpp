// PIN verification: IBM 3624 offset and Visa PVV, and the limit on wrong guesses.
#include <algorithm>

#include "hsm_sim/engine_parts.hpp"
#include "hsm_sim/pin_verification.hpp"
#include "hsm_sim/stack_wipe.hpp"

namespace hsm {
namespace {

using iso8583::ByteView;
using iso8583::Result;

// Decimalisation tables are encrypted under pair 20-21; no key of the host commands uses it.
constexpr KeyType decimalisation_type{0, 10};

}  // namespace

Answer<ClearPin> HsmEngine::Parts::pin_to_verify(const PinToVerify& request) {
    if (request.kind != KeyKind::tpk && request.kind != KeyKind::zpk)
        return refuse(HsmFault::key_use, "a " + std::string(name(request.kind)) + " encrypts no PINs");
    const auto key = keys.find(request.kind, request.key, HsmFault::source_key_parity);
    if (!key) return tl::unexpected(key.error());
    if (!mode_allows((*key)->attributes.mode, "BD"))
        return refuse(HsmFault::key_usage, "the PIN key's mode does not allow it to decrypt");
    return decrypt_pin(**key, request.format, request.pin_block, request.account);
}

namespace {

/// The verification key of a PVK block: double-length TDES, for IBM single-length too.
Answer<ClearKey> verification_key(const KeyRing& keys, std::string_view text, std::string_view usages) {
    auto pvk = keys.unwrap_typed(KeyType::of(KeyKind::pvk), text, HsmFault::destination_key_parity);
    if (!pvk) return tl::unexpected(pvk.error());
    if (pvk->attributes.algorithm == 'A') return refuse(HsmFault::key_use, "a PVK is a TDES key");
    if (!mode_allows(pvk->attributes.mode, "CV"))
        return refuse(HsmFault::key_usage, "the PVK's mode does not allow it to verify");
    if (!pvk->attributes.usage.empty() && usages.find(pvk->attributes.usage) == std::string_view::npos)
        return refuse(HsmFault::key_usage, "the PVK is for another kind of verification");
    return pvk->key;
}

Answer<DecimalisationTable> read_table(const HsmOptions& options, const Lmk& lmk, std::string_view text) {
    const auto wrong = [](std::string why) { return refuse(HsmFault::decimalisation_table, std::move(why)); };
    std::string digits;
    const Wipe wipe(digits);
    switch (options.decimalisation) {
        case Decimalisation::clear:
            digits = text;
            break;
        case Decimalisation::encrypted: {
            if (text.size() != 16) return wrong("a decimalisation table under the LMK has 16 hex digits");
            const auto clear = lmk.unwrap_variant(decimalisation_type, text);
            if (!clear) return wrong("the decimalisation table is not hex");
            digits = iso8583::to_hex(clear->view());
            break;
        }
        case Decimalisation::stored: {
            const std::string_view number = text.substr(std::min<std::size_t>(1, text.size()));
            std::size_t index = 0;
            for (const char c : number) index = index * 10 + static_cast<std::size_t>(c - '0');
            if (text.size() != 5 || text[0] != 'K' || !iso8583::all_digits(number) ||
                index >= options.stored_decimalisation_tables.size())
                return wrong("needs K and the number of a decimalisation table that the HSM keeps");
            digits = options.stored_decimalisation_tables[index];
        }
    }
    const auto table = DecimalisationTable::parse(digits);
    if (!table)
        return wrong("no decimalisation table: 16 digits, 8 different ones at least, none more than 4 times");
    return *table;
}

}  // namespace

std::optional<KeyFault> HsmEngine::Parts::beyond_bound(const PinGuard::Subjects& subjects) {
    auto why = pin_guard.refusal(subjects);
    if (!why) return std::nullopt;
    return KeyFault{HsmFault::fraud_detected, std::move(*why)};
}

namespace {

KeyFault not_kept() { return {HsmFault::storage, "the count of failed PINs cannot be written"}; }

}  // namespace

/// The limit around a verification: asked first, counted afterwards, one answer for every way to be wrong.
Answer<bool> HsmEngine::Parts::limited(const PinAccount& account, const ClearKey& pvk,
                                       const std::function<Answer<bool>()>& verify) {
    const PinGuard::Subjects subjects = pin_guard.subjects(account, tdes_check_value(pvk.view()));
    if (auto refused = beyond_bound(subjects)) return tl::unexpected(std::move(*refused));
    auto matches = verify();
    // A block that decrypts to no PIN is a guess as well.
    const bool wrong = matches ? !*matches : matches.error().fault == HsmFault::pin_block_content;
    const bool kept = wrong ? pin_guard.failed(subjects) : matches ? pin_guard.passed(subjects) : true;
    if (!kept) return tl::unexpected(not_kept());
    return matches;
}

/// A translation says by 20 whether a block is a PIN for an account: asked often enough, with accounts of the
/// asker's choice, it tells the PIN. So it is limited like a verification; nothing that is right here is
/// forgiven for, since whoever guesses can be right at will.
Answer<ClearPin> HsmEngine::Parts::decrypt_counted(KeyRing::Keyed& key,
                                                   const std::array<std::uint8_t, 8>& fingerprint,
                                                   PinBlockFormat format, ByteView block,
                                                   const PinAccount& account) {
    const PinGuard::Subjects subjects = pin_guard.subjects(account, fingerprint);
    if (auto refused = beyond_bound(subjects)) return tl::unexpected(std::move(*refused));
    auto pin = decrypt_pin(key, format, block, account);
    if (!pin && pin.error().fault == HsmFault::pin_block_content && !pin_guard.failed(subjects))
        return tl::unexpected(not_kept());
    return pin;
}

Result<void, HsmFault> HsmEngine::verify_pin(const VerifyIbmPin& request) {
    Parts& parts = *parts_;
    const auto pvk = verification_key(parts.keys, request.pvk, "V0V1");
    if (!pvk) return parts.explain(pvk.error());
    const auto verify = [&]() -> Answer<bool> {
        const auto table = read_table(parts.options, parts.keys.lmk(), request.decimalisation_table);
        if (!table) return tl::unexpected(table.error());
        if (request.check_digits < ClearPin::digits_min || request.check_digits > ClearPin::digits_max)
            return refuse(HsmFault::pin_length, "the check length is 04 to 12");
        if (request.offset.size() != request.check_digits || !iso8583::all_digits(request.offset))
            return refuse(HsmFault::input, "the offset needs as many digits as the check length");
        const auto pin = parts.pin_to_verify(request.pin);
        if (!pin) return tl::unexpected(pin.error());
        if (pin->size() < request.check_digits)
            return refuse(HsmFault::pin_length, "the PIN is shorter than the check length");
        return ibm_offset_matches(TdesCipher(pvk->view()), request.validation, *table, *pin, request.offset);
    };
    const auto matches = without_traces([&] { return parts.limited(request.pin.account, *pvk, verify); });
    if (!matches) return parts.explain(matches.error());
    if (!*matches) return parts.explain({HsmFault::verification_failed, "the PIN does not match its offset"});
    return {};
}

Result<void, HsmFault> HsmEngine::verify_pin(const VerifyVisaPin& request) {
    Parts& parts = *parts_;
    const auto pvk = verification_key(parts.keys, request.pvk_pair, "V0V2");
    if (!pvk) return parts.explain(pvk.error());
    const auto verify = [&]() -> Answer<bool> {
        if (pvk->size() != 16) return refuse(HsmFault::key_length, "a PVK pair is double-length");
        if (request.pvv.size() != 4 || !iso8583::all_digits(request.pvv) ||
            !iso8583::is_digit(request.pvk_index))
            return refuse(HsmFault::input, "PVV needs 4 digits, PVKI one");
        const auto pin = parts.pin_to_verify(request.pin);
        if (!pin) return tl::unexpected(pin.error());
        std::string right = visa_pvv(TdesCipher(pvk->view()), request.pin.account, request.pvk_index, *pin);
        const Wipe wipe(right);
        return equal_constant_time(iso8583::as_bytes(right), iso8583::as_bytes(request.pvv));
    };
    const auto matches = without_traces([&] { return parts.limited(request.pin.account, *pvk, verify); });
    if (!matches) return parts.explain(matches.error());
    if (!*matches) return parts.explain({HsmFault::verification_failed, "the PIN does not match its PVV"});
    return {};
}

Result<std::string, HsmFault> HsmEngine::encrypt_decimalisation_table(std::string_view digits) const {
    const auto table = DecimalisationTable::parse(digits);
    if (!table) return tl::unexpected(table.error());
    const auto bytes = iso8583::parse_hex(digits);
    ENSURE(bytes.has_value());
    return parts_->keys.lmk().wrap_variant(decimalisation_type, ClearKey{ByteView(*bytes)}, 'Z');
}

}  // namespace hsm
