// PIN verification: IBM 3624 offset and Visa PVV, with a limit on wrong guesses per account and key.
#include <algorithm>

#include "hsm_sim/engine_parts.hpp"
#include "hsm_sim/pin_verification.hpp"

namespace hsm {
namespace {

using iso8583::ByteView;
using iso8583::Result;

// Decimalisation tables are encrypted under pair 20-21; no key of the host commands uses it.
constexpr KeyType decimalisation_type{0, 10};

}  // namespace

PinFailures::PinFailures(RandomPool& random) {
    ClearKey key(16);
    random.source().fill({key.data(), key.size()});
    hash_ = std::make_unique<AesCipher>(key.view());
}

Block16 PinFailures::entry(const PinAccount& account, const ClearKey& pvk) {
    std::array<std::uint8_t, 12 + ClearKey::bytes_max> text{};
    const Wipe wipe(text);
    std::copy(account.twelve().begin(), account.twelve().end(), text.begin());
    std::copy(pvk.view().begin(), pvk.view().end(), text.begin() + 12);
    return hash_->cmac(text);
}

unsigned PinFailures::count(const Block16& entry) const {
    const auto found = counts_.find(entry);
    return found == counts_.end() ? 0 : found->second;
}

void PinFailures::failed(const Block16& entry) {
    ++failures_;
    const auto [at, is_new] = counts_.try_emplace(entry, 0);
    ++at->second;
    if (!is_new) return;
    order_.push_back(entry);
    while (order_.size() > entries_max) {
        counts_.erase(order_.front());
        order_.pop_front();
    }
}

void PinFailures::passed(const Block16& entry) {
    if (counts_.erase(entry) != 0) order_.erase(std::find(order_.begin(), order_.end(), entry));
}

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

/// The limit around a verification: asked first, counted afterwards, one answer for every way to be wrong.
Answer<bool> HsmEngine::Parts::limited(const PinAccount& account, const ClearKey& pvk,
                                       const std::function<Answer<bool>()>& verify) {
    const Block16 entry = pin_failures.entry(account, pvk);
    if (pin_failures.count(entry) >= options.pin_failures_max) {
        pin_failures.attacked();
        return refuse(HsmFault::fraud_detected, "this account and key have failed " +
                                                    std::to_string(options.pin_failures_max) + " times");
    }
    auto matches = verify();
    // A block that decrypts to no PIN is a guess as well.
    const bool wrong = matches ? !*matches : matches.error().fault == HsmFault::pin_block_content;
    if (wrong)
        pin_failures.failed(entry);
    else if (matches)
        pin_failures.passed(entry);
    return matches;
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
    const auto matches = parts.limited(request.pin.account, *pvk, verify);
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
    const auto matches = parts.limited(request.pin.account, *pvk, verify);
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
