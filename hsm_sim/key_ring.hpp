// The engine's keys: unwraps key blocks under the LMK once, checks kind, algorithm, mode and parity, and
// keeps the keyed ciphers, because keying costs more than most operations.
//
// Ownership: the ring owns the LMK and all ciphers; a Keyed* is valid until the next but one find(), so that
// an operation may hold two. Thread: one at a time.
// Errors: KeyFault carries a sentence for the HSM's log, without secrets. Bounds: keys_cached_max, the oldest
// goes.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "hsm_sim/ciphers.hpp"
#include "hsm_sim/lmk.hpp"
#include "hsm_sim/port.hpp"

namespace hsm {

struct KeyFault {
    HsmFault fault = HsmFault::internal;
    std::string why;
};

/// What a key may be used for. Variant schemes bind the kind by their LMK pair and allow all of it; S blocks
/// say more.
struct KeyAttributes {
    char algorithm = 'T';  // A, T, D
    std::string usage;     // TR-31 usage; empty for variant schemes
    char mode = 'N';       // TR-31 mode of use; N for variant schemes
    char exportability = 'E';
};

struct UnwrappedLmkKey {
    ClearKey key;
    KeyAttributes attributes;
};

class KeyRing {
  public:
    static constexpr std::size_t keys_cached_max = 65536;

    struct Keyed {
        KeyAttributes attributes;
        std::size_t bytes = 0;
        std::array<std::uint8_t, 8> fingerprint{};  // of fingerprint_of()
        std::shared_ptr<const TdesCipher> tdes;     // shared while MACs are made together
        std::unique_ptr<AesCipher> aes;
    };

    explicit KeyRing(Lmk lmk) : lmk_(std::move(lmk)) {}

    /// The keyed cipher of a key block. `parity` is the fault for wrong parity: source or destination.
    iso8583::Result<Keyed*, KeyFault> find(KeyKind kind, std::string_view text, HsmFault parity);
    /// The clear key and what it may do, for operations that need the bytes (derivation, export, import).
    [[nodiscard]] iso8583::Result<UnwrappedLmkKey, KeyFault> unwrap(KeyKind kind, std::string_view text,
                                                                    HsmFault parity) const;
    /// `scheme`: 'Z', 'U', 'T', 'X' (TDES) or 'S'. For S the attributes' empty usage means the kind's usual
    /// one.
    [[nodiscard]] iso8583::Result<KeyBlock, KeyFault> wrap(KeyKind kind, const ClearKey& key, char scheme,
                                                           KeyAttributes attributes,
                                                           iso8583::RandomSource& random) const;
    /// The same by a host command's type of three hex digits, which may stand for several kinds. The text of
    /// a wrapped key may be in scheme X, which KeyBlock refuses.
    [[nodiscard]] iso8583::Result<UnwrappedLmkKey, KeyFault> unwrap_typed(KeyType type, std::string_view text,
                                                                          HsmFault parity) const;
    [[nodiscard]] iso8583::Result<std::string, KeyFault> wrap_typed(KeyType type, const UnwrappedLmkKey& key,
                                                                    char scheme,
                                                                    const std::string& key_version,
                                                                    iso8583::RandomSource& random) const;
    [[nodiscard]] const Lmk& lmk() const { return lmk_; }
    [[nodiscard]] std::size_t cached() const { return order_.size(); }
    /// Wipes all cached ciphers.
    void forget_all();

  private:
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    using Shelf = std::unordered_map<std::string, Keyed, TextHash, std::equal_to<>>;

    void drop_oldest();
    [[nodiscard]] iso8583::Result<std::string, KeyFault> wrap_labelled(
        KeyType type, const std::vector<KeyKind>& kinds, const std::string& label, const UnwrappedLmkKey& key,
        char scheme, const std::string& key_version, iso8583::RandomSource& random) const;

    Lmk lmk_;
    std::array<Shelf, 8> shelves_;                       // one per KeyKind
    std::deque<std::pair<KeyKind, std::string>> order_;  // of arrival
    const Keyed* found_last_ = nullptr;
};

/// The TR-31 usage that the engine gives a key of this kind and algorithm ('A' or 'T').
std::string_view usual_usage(KeyKind kind, char algorithm);
[[nodiscard]] bool usage_allowed(KeyKind kind, std::string_view usage);

/// The kinds that share this type; none for types that only A0, A6, A8 and BU know.
std::vector<KeyKind> kinds_of(KeyType type);

/// Key check values: TDES encrypts zeros, AES-CMAC of a zero block (X9.24-1, TR-31).
std::array<std::uint8_t, 8> tdes_check_value(iso8583::ByteView key);
std::array<std::uint8_t, 5> aes_check_value(iso8583::ByteView key);
/// Tells a key from others, whatever scheme it came in; says nothing of it.
std::array<std::uint8_t, 8> fingerprint_of(iso8583::ByteView key, bool is_aes);

}  // namespace hsm
