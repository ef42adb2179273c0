// What the engine's .cpp files share; nobody outside hsm_engine includes it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/key_ring.hpp"
#include "hsm_sim/pin_block.hpp"
#include "hsm_sim/pin_guard.hpp"

namespace hsm {

/// Random bytes in batches: a small call costs a microsecond, a byte out of a batch next to nothing.
class RandomPool {
  public:
    explicit RandomPool(iso8583::RandomSource& source) : source_(source) {}
    ~RandomPool() { iso8583::zeroise(batch_.data(), batch_.size()); }
    RandomPool(const RandomPool&) = delete;
    RandomPool& operator=(const RandomPool&) = delete;

    std::array<std::uint8_t, 8> eight();
    [[nodiscard]] iso8583::RandomSource& source() { return source_; }

  private:
    static constexpr std::size_t batch_bytes = 512;
    iso8583::RandomSource& source_;
    std::array<std::uint8_t, batch_bytes> batch_{};
    std::size_t used_ = batch_bytes;
};

template <typename T>
using Answer = iso8583::Result<T, KeyFault>;

/// An encrypted PIN and the key it is under, wherever it came from.
struct PinSource {
    KeyKind kind = KeyKind::tpk;
    std::string_view key;
    PinBlockFormat format = PinBlockFormat::iso0;
    iso8583::ByteView block;
};

struct HsmEngine::Parts {
    KeyRing keys;
    RandomPool random;
    HsmOptions options;
    PinGuard pin_guard;

    Parts(Lmk lmk, iso8583::RandomSource& source, HsmOptions o)
        : keys(std::move(lmk)),
          random(source),
          options(std::move(o)),
          pin_guard(keys.lmk().pin_count_key(), options.pin_bounds, options.pin_counts, options.seconds_now) {
    }

    /// Tells the observer and keeps the number.
    tl::unexpected<HsmFault> explain(const KeyFault& fault) const {
        if (options.observer != nullptr) options.observer->refused(fault.fault, fault.why);
        return tl::unexpected(fault.fault);
    }

    /// The same for a key operation, which the audit hears of as well.
    tl::unexpected<HsmFault> explain_operation(std::string_view what, const std::string& type,
                                               const KeyFault& fault) const {
        if (options.observer != nullptr) options.observer->key_operated({what, type, {}, fault.fault});
        return explain(fault);
    }
    void operated(std::string_view what, const std::string& type, iso8583::ByteView kcv) const {
        if (options.observer != nullptr)
            options.observer->key_operated({what, type, iso8583::to_hex(kcv.first(3)), std::nullopt});
    }

    Answer<KeyRing::Keyed*> mac_key(KeyKind kind, std::string_view key, MacProfile profile, bool verify);
    Answer<Block16> full_mac(KeyKind kind, std::string_view key, MacProfile profile, iso8583::ByteView data,
                             bool verify);
    /// GenerateMac or VerifyMac.
    template <typename Asked>
    Reply perform_mac(const Asked& asked);

    Answer<PinTranslation> translate_pin(const PinSource& source, std::string_view zpk,
                                         PinBlockFormat destination_format, const PinAccount& account);
    Answer<PinTranslation> translate_dukpt_pin(const TranslateDukptPin& request);
    Answer<ClearPin> pin_to_verify(const PinToVerify& request);
    /// Beyond a bound: fraud_detected, and nothing is tried.
    [[nodiscard]] std::optional<KeyFault> beyond_bound(const PinGuard::Subjects& subjects);
    Answer<bool> limited(const PinAccount& account, const ClearKey& pvk,
                         const std::function<Answer<bool>()>& verify);
    /// decrypt_pin where a block that is no PIN counts as a guess.
    Answer<ClearPin> decrypt_counted(KeyRing::Keyed& key, const std::array<std::uint8_t, 8>& fingerprint,
                                     PinBlockFormat format, iso8583::ByteView block,
                                     const PinAccount& account);
    Answer<ClearPin> decrypt_pin(KeyRing::Keyed& key, PinBlockFormat format, iso8583::ByteView block,
                                 const PinAccount& account);
    iso8583::Bytes encrypt_pin(KeyRing::Keyed& key, PinBlockFormat format, const ClearPin& pin,
                               const PinAccount& account);
    Answer<TerminalKeysGenerated> terminal_keys(const GenerateTerminalKeys& request);
    Answer<UnwrappedLmkKey> master_key(std::string_view tmk) const;
    /// `scheme` under the LMK: Z, U, T by its length; S: an AES-128 key for CMAC, made of 16 bytes with odd
    /// parity.
    Answer<WorkingKey> working_key(KeyType type, const std::string& what, char scheme, const ClearKey& tmk);
    ClearKey new_tdes_key(std::size_t bytes);

    Answer<KeyMade> generate(KeyType type, char scheme, const std::optional<BlockAttributes>& attributes,
                             const std::optional<KeyCarrier>& carrier);
    Answer<KeyMade> import(KeyType type, const KeyCarrier& carrier, std::string_view key, char scheme);
    Answer<KeyMade> carry_out(KeyType type, const KeyCarrier& carrier, std::string_view key);
    Answer<std::string> carry(const KeyCarrier& carrier, const UnwrappedLmkKey& key, KeyType type);
};

inline tl::unexpected<KeyFault> refuse(HsmFault fault, std::string why) {
    return tl::unexpected(KeyFault{fault, std::move(why)});
}

/// True when `mode` of a key block contains one of `wanted`, or does not restrict at all.
inline bool mode_allows(char mode, std::string_view wanted) {
    return mode == 'N' || wanted.find(mode) != std::string_view::npos;
}

}  // namespace hsm
