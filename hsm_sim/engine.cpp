#include "hsm_sim/engine.hpp"

#include <cstring>

#include "hsm_sim/engine_parts.hpp"
#include "hsm_sim/mac.hpp"

namespace hsm {
namespace {

using iso8583::ByteView;
using iso8583::Result;

template <typename... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};

/// A MAC key of an S block is bound to its algorithm: M1 CBC (and the UnionPay MAC, which is one), M3 retail,
/// M6 CMAC.
bool usage_fits(std::string_view usage, MacAlgorithm algorithm) {
    if (usage.empty()) return algorithm != MacAlgorithm::aes_cmac;
    switch (algorithm) {
        case MacAlgorithm::unionpay_ecb:
        case MacAlgorithm::cbc:
            return usage == "M1" || usage == "M0";
        case MacAlgorithm::retail:
            return usage == "M3";
        case MacAlgorithm::aes_cmac:
            return usage == "M6";
    }
    return false;
}

}  // namespace

std::array<std::uint8_t, 8> RandomPool::eight() {
    if (used_ + 8 > batch_bytes) {
        source_.fill(batch_);
        used_ = 0;
    }
    std::array<std::uint8_t, 8> out;
    std::memcpy(out.data(), &batch_[used_], 8);
    iso8583::zeroise(&batch_[used_], 8);
    used_ += 8;
    return out;
}

HsmEngine::HsmEngine(Lmk lmk, iso8583::RandomSource& random, HsmOptions options)
    : parts_(std::make_unique<Parts>(std::move(lmk), random, options)) {}
HsmEngine::~HsmEngine() = default;
HsmEngine::HsmEngine(HsmEngine&&) noexcept = default;
HsmEngine& HsmEngine::operator=(HsmEngine&&) noexcept = default;

bool HsmEngine::is_test_lmk() const { return parts_->keys.lmk().is_test(); }

Answer<Mac> HsmEngine::Parts::mac(KeyKind kind, const KeyBlock& key, MacProfile profile, ByteView data,
                                  bool verify) {
    if (kind != KeyKind::tak && kind != KeyKind::zak)
        return refuse(HsmFault::key_use, "a " + std::string(name(kind)) + " makes no MACs");
    const auto found = keys.find(kind, key.text(), HsmFault::source_key_parity);
    if (!found) return tl::unexpected(found.error());
    KeyRing::Keyed& keyed = **found;
    if (!mode_allows(keyed.attributes.mode, verify ? "CV" : "CG"))
        return refuse(HsmFault::key_usage, std::string("the MAC key's mode is ") + keyed.attributes.mode);
    if (!usage_fits(keyed.attributes.usage, profile.algorithm))
        return refuse(HsmFault::key_usage, "the MAC key is not for this algorithm");
    const bool aes = profile.algorithm == MacAlgorithm::aes_cmac;
    if (aes != (keyed.aes != nullptr))
        return refuse(HsmFault::key_usage, "the MAC algorithm and the key's algorithm differ");
    switch (profile.algorithm) {
        case MacAlgorithm::unionpay_ecb:
            return unionpay_mac(*keyed.tdes, data);
        case MacAlgorithm::cbc:
            return cbc_mac(*keyed.tdes, data, profile.padding);
        case MacAlgorithm::retail:
            if (keyed.tdes->single())
                return refuse(HsmFault::key_length, "a retail MAC needs a double-length key");
            return retail_mac(*keyed.tdes, data, profile.padding);
        case MacAlgorithm::aes_cmac:
            break;
    }
    const Block16 full = keyed.aes->cmac(data);
    Mac first;
    std::copy_n(full.begin(), first.size(), first.begin());
    return first;
}

ClearKey HsmEngine::Parts::new_tdes_key(std::size_t bytes) {
    for (;;) {
        ClearKey key(bytes);
        random.source().fill({key.data(), bytes});
        set_odd_parity({key.data(), bytes});
        if (!is_single_length_masquerade(key.view())) return key;
    }
}

Answer<WorkingKey> HsmEngine::Parts::working_key(KeyKind kind, const ClearKey& tmk) {
    const ClearKey key = new_tdes_key(16);
    auto under_lmk = keys.wrap(kind, key, 'U', {}, random.source());
    if (!under_lmk) return tl::unexpected(under_lmk.error());
    WorkingKey out;
    out.under_lmk = std::move(*under_lmk);
    ClearKey under_tmk = key;
    TdesCipher(tmk.view()).encrypt_ecb({under_tmk.data(), under_tmk.size()});
    out.under_tmk.assign(under_tmk.view().begin(), under_tmk.view().end());
    const auto check = tdes_check_value(key.view());
    std::copy_n(check.begin(), out.kcv.size(), out.kcv.begin());
    return out;
}

Answer<TerminalKeysGenerated> HsmEngine::Parts::terminal_keys(const KeyBlock& tmk) {
    const auto unwrapped = keys.unwrap(KeyKind::tmk, tmk.text(), HsmFault::source_key_parity);
    if (!unwrapped) return tl::unexpected(unwrapped.error());
    if (unwrapped->attributes.algorithm == 'A')
        return refuse(HsmFault::key_use, "an AES TMK cannot carry TDES working keys in ECB");
    if (!mode_allows(unwrapped->attributes.mode, "BE"))
        return refuse(HsmFault::key_usage, "the TMK's mode does not allow it to encrypt keys");
    if (unwrapped->key.size() < 16)
        return refuse(HsmFault::key_length, "a single-length TMK is weaker than the keys it would carry");
    auto pin_key = working_key(KeyKind::tpk, unwrapped->key);
    if (!pin_key) return tl::unexpected(pin_key.error());
    auto mac_key = working_key(KeyKind::tak, unwrapped->key);
    if (!mac_key) return tl::unexpected(mac_key.error());
    return TerminalKeysGenerated{std::move(*pin_key), std::move(*mac_key)};
}

Reply HsmEngine::perform(const Request& request) {
    Parts& parts = *parts_;
    const auto reply_of = [&parts](auto answer) -> Reply {
        if (!answer) return parts.explain(answer.error());
        return std::move(*answer);
    };
    return std::visit(Overloaded{[&](const GenerateMac& r) -> Reply {
                                     const auto mac = parts.mac(r.kind, r.key, r.profile, r.data, false);
                                     if (!mac) return parts.explain(mac.error());
                                     return MacGenerated{*mac};
                                 },
                                 [&](const VerifyMac& r) -> Reply {
                                     const auto mac = parts.mac(r.kind, r.key, r.profile, r.data, true);
                                     if (!mac) return parts.explain(mac.error());
                                     return MacVerified{equal_constant_time(*mac, r.mac)};
                                 },
                                 [&](const TranslatePin& r) -> Reply {
                                     if (r.pan.empty())
                                         return parts.explain({HsmFault::account_number,
                                                               "a PIN translation needs an account number"});
                                     auto block = parts.translate_pin(r, PinAccount::of(r.pan));
                                     if (!block) return parts.explain(block.error());
                                     return PinTranslated{std::move(*block)};
                                 },
                                 [&](const GenerateTerminalKeys& r) -> Reply {
                                     return reply_of(parts.terminal_keys(r.tmk));
                                 }},
                      request);
}

}  // namespace hsm
