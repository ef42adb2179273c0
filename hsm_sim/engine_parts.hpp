// What the engine's .cpp files share; nobody outside hsm_engine includes it.
#pragma once

#include <string>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/key_ring.hpp"
#include "hsm_sim/pin_block.hpp"

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

struct HsmEngine::Parts {
    KeyRing keys;
    RandomPool random;
    HsmOptions options;

    Parts(Lmk lmk, iso8583::RandomSource& source, HsmOptions o)
        : keys(std::move(lmk)), random(source), options(o) {}

    /// Tells the observer and keeps the number.
    tl::unexpected<HsmFault> explain(const KeyFault& fault) const {
        if (options.observer != nullptr) options.observer->refused(fault.fault, fault.why);
        return tl::unexpected(fault.fault);
    }

    Answer<Mac> mac(KeyKind kind, const KeyBlock& key, MacProfile profile, iso8583::ByteView data,
                    bool verify);
    Answer<iso8583::Bytes> translate_pin(const TranslatePin& request, const PinAccount& account);
    Answer<ClearPin> decrypt_pin(KeyRing::Keyed& key, PinBlockFormat format, iso8583::ByteView block,
                                 const PinAccount& account);
    iso8583::Bytes encrypt_pin(KeyRing::Keyed& key, PinBlockFormat format, const ClearPin& pin,
                               const PinAccount& account);
    Answer<TerminalKeysGenerated> terminal_keys(const KeyBlock& tmk);
    Answer<WorkingKey> working_key(KeyKind kind, const ClearKey& tmk);
    ClearKey new_tdes_key(std::size_t bytes);
};

inline tl::unexpected<KeyFault> refuse(HsmFault fault, std::string why) {
    return tl::unexpected(KeyFault{fault, std::move(why)});
}

/// True when `mode` of a key block contains one of `wanted`, or does not restrict at all.
inline bool mode_allows(char mode, std::string_view wanted) {
    return mode == 'N' || wanted.find(mode) != std::string_view::npos;
}

}  // namespace hsm
