#include "hsm_sim/lmk.hpp"

#include <openssl/evp.h>

#include <cstring>

#include "hsm_sim/ciphers.hpp"
#include "iso8583/values/ensure.hpp"

namespace hsm {
namespace {

using iso8583::ByteView;
using iso8583::Result;

// Do not change: published in the manuals' examples, so that those can be replayed. Test keys, they protect
// nothing.
constexpr std::array<std::string_view, LmkMaterial::pairs_count> test_pairs = {
    "01010101010101017902CD1FD36EF8BA", "20202020202020203131313131313131",
    "40404040404040405151515151515151", "61616161616161617070707070707070",
    "80808080808080809191919191919191", "A1A1A1A1A1A1A1A1B0B0B0B0B0B0B0B0",
    "C1C1010101010101D0D0010101010101", "E0E0010101010101F1F1010101010101",
    "1C587F1C13924FEF0101010101010101", "01010101010101010101010101010101",
    "02020202020202020404040404040404", "07070707070707071010101010101010",
    "13131313131313131515151515151515", "16161616161616161919191919191919",
    "1A1A1A1A1A1A1A1A1C1C1C1C1C1C1C1C", "23232323232323232525252525252525",
    "26262626262626262929292929292929", "2A2A2A2A2A2A2A2A2C2C2C2C2C2C2C2C",
    "2F2F2F2F2F2F2F2F3131313131313131", "01010101010101010101010101010101"};
// Do not change: every S block of the demo configuration is under it. A test key, it says so itself.
constexpr std::string_view test_aes = "TEST-AES-LMK-NOT-FOR-PRODUCTION!";
static_assert(test_aes.size() == 32);

// Added to the first byte of an LMK for the key type's variant, and to the second half's first byte per key
// part.
constexpr std::array<std::uint8_t, 10> type_variants = {0x00, 0xA6, 0x5A, 0x6A, 0xDE,
                                                        0x2B, 0x50, 0x74, 0x9C, 0xFA};
constexpr std::array<std::uint8_t, 2> double_length_variants = {0xA6, 0x5A};
constexpr std::array<std::uint8_t, 3> triple_length_variants = {0x6A, 0xDE, 0x2B};

// The pair code of a key type to the index of the pair: 00 is pair 04-05, 09 is 28-29.
struct PairCode {
    std::string_view code;
    std::uint8_t pair;
};
constexpr PairCode pair_codes[] = {{"00", 2},  {"01", 3},  {"02", 7},  {"03", 8},  {"04", 9},
                                   {"05", 10}, {"06", 11}, {"07", 12}, {"08", 13}, {"09", 14},
                                   {"0A", 15}, {"0B", 16}, {"0C", 17}, {"0D", 18}, {"0E", 19}};

/// What scheme a key text is in, and its hex.
struct SchemeText {
    char scheme = 'Z';
    std::string_view hex;
};

Result<SchemeText, HsmFault> split_scheme(std::string_view text) {
    if (text.empty()) return tl::unexpected(HsmFault::key_scheme);
    SchemeText out;
    out.hex = text.substr(1);
    switch (text[0]) {
        case 'U':
        case 'X':
            out.scheme = text[0];
            break;
        case 'T':
        case 'Y':
            out.scheme = text[0];
            break;
        default:
            out.hex = text;
            out.scheme = text.size() == 16 ? 'Z' : text.size() == 32 ? 'X' : 'Y';
    }
    const std::size_t digits = out.scheme == 'Z' ? 16 : out.scheme == 'U' || out.scheme == 'X' ? 32 : 48;
    if (out.hex.size() != digits) return tl::unexpected(HsmFault::key_scheme);
    return out;
}

/// Runs each 8-byte part of `key` through `kek`, with the scheme's variant on the second half of the KEK.
void transform(ClearKey kek, ClearKey& key, char scheme, bool encrypt) {
    const auto one = [&](std::size_t at, const TdesCipher& cipher) {
        Block8 block;
        const Wipe wipe(block);
        std::memcpy(block.data(), key.data() + at, 8);
        encrypt ? cipher.encrypt(block) : cipher.decrypt(block);
        std::memcpy(key.data() + at, block.data(), 8);
    };
    const bool variants = (scheme == 'U' || scheme == 'T') && kek.size() == 16;
    if (!variants) {
        const TdesCipher cipher(kek.view());
        for (std::size_t at = 0; at < key.size(); at += 8) one(at, cipher);
        return;
    }
    for (std::size_t at = 0; at < key.size(); at += 8) {
        const std::uint8_t variant =
            scheme == 'U' ? double_length_variants[at / 8] : triple_length_variants[at / 8];
        kek[8] = static_cast<std::uint8_t>(kek[8] ^ variant);
        one(at, TdesCipher(kek.view()));
        kek[8] = static_cast<std::uint8_t>(kek[8] ^ variant);
    }
}

std::string with_scheme(const ClearKey& encrypted, char scheme) {
    const std::string hex = iso8583::to_hex(encrypted.view());
    return scheme == 'Z' ? hex : scheme + hex;
}

bool scheme_fits(char scheme, std::size_t key_bytes) {
    return scheme == 'Z'                    ? key_bytes == 8
           : scheme == 'U' || scheme == 'X' ? key_bytes == 16
                                            : key_bytes == 24;
}

}  // namespace

Result<KeyType, HsmFault> KeyType::parse(std::string_view text) {
    if (text.size() != 3 || !iso8583::is_digit(text[0])) return tl::unexpected(HsmFault::key_type);
    for (const PairCode& code : pair_codes)
        if (code.code == text.substr(1)) return KeyType{static_cast<std::uint8_t>(text[0] - '0'), code.pair};
    return tl::unexpected(HsmFault::key_type);
}

KeyType KeyType::of(KeyKind kind) {
    switch (kind) {
        case KeyKind::zmk:
            return {0, 2};
        case KeyKind::zpk:
            return {0, 3};
        case KeyKind::tmk:
        case KeyKind::tpk:
        case KeyKind::pvk:
            return {0, 7};
        case KeyKind::tak:
            return {0, 8};
        case KeyKind::zak:
            return {0, 13};
        case KeyKind::bdk:
            return {0, 14};
    }
    return {};
}

std::string KeyType::text() const {
    for (const PairCode& code : pair_codes)
        if (code.pair == pair) return static_cast<char>('0' + variant) + std::string(code.code);
    return "???";
}

LmkMaterial::~LmkMaterial() {
    iso8583::zeroise(pairs.data(), sizeof pairs);
    iso8583::zeroise(aes.data(), aes.size());
}

namespace {

constexpr std::string_view audit_key_label = "hsm-sim audit chain, key 1";

std::array<std::uint8_t, 32> hmac_sha256(ByteView key, ByteView bytes) {
    std::array<std::uint8_t, 32> out{};
    std::size_t size = 0;
    ENSURE(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(), bytes.data(),
                     bytes.size(), out.data(), out.size(), &size) != nullptr);
    return out;
}

}  // namespace

struct Lmk::Keys {
    LmkMaterial material;
    KeyBlockProtection blocks;
    ClearKey pin_count_key;
    std::array<std::uint8_t, 32> audit_key;

    explicit Keys(const LmkMaterial& m)
        : material(m),
          blocks(KeyBlockProtection::aes(m.aes)),
          pin_count_key(derived(m, "failed PINs")),
          audit_key(hmac_sha256(m.aes, iso8583::as_bytes(audit_key_label))) {
        // The AES key lives on only in the derived schedules.
        iso8583::zeroise(material.aes.data(), material.aes.size());
    }

    static ClearKey derived(const LmkMaterial& m, std::string_view purpose) {
        AesCipher cipher{ByteView(m.aes)};
        Block16 key = cipher.cmac(iso8583::as_bytes(purpose));
        const Wipe wipe(key);
        return ClearKey{ByteView(key)};
    }
    ~Keys() { iso8583::zeroise(audit_key.data(), audit_key.size()); }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;

    [[nodiscard]] ClearKey pair(KeyType type) const {
        ClearKey out{ByteView(material.pairs.at(type.pair))};
        out[0] = static_cast<std::uint8_t>(out[0] ^ type_variants.at(type.variant));
        return out;
    }
};

Lmk::Lmk(const LmkMaterial& material) : keys_(std::make_unique<Keys>(material)) {}
Lmk::~Lmk() = default;
Lmk::Lmk(Lmk&&) noexcept = default;
Lmk& Lmk::operator=(Lmk&&) noexcept = default;

Lmk Lmk::test() {
    LmkMaterial material;
    material.is_test = true;
    for (std::size_t i = 0; i < test_pairs.size(); ++i) {
        const auto bytes = iso8583::parse_hex(test_pairs[i]);
        std::memcpy(material.pairs[i].data(), bytes->data(), 16);
    }
    std::memcpy(material.aes.data(), test_aes.data(), test_aes.size());
    return Lmk(material);
}

Result<ClearKey, HsmFault> Lmk::unwrap_variant(KeyType type, std::string_view text) const {
    return unwrap_under_key(keys_->pair(type), text);
}

std::string Lmk::wrap_variant(KeyType type, const ClearKey& key, char scheme) const {
    return wrap_under_key(keys_->pair(type), key, scheme);
}

const KeyBlockProtection& Lmk::blocks() const { return keys_->blocks; }
bool Lmk::is_test() const { return keys_->material.is_test; }
ClearKey Lmk::pin_count_key() const { return keys_->pin_count_key; }

std::array<std::uint8_t, 32> Lmk::audit_mac(ByteView bytes) const {
    return hmac_sha256(keys_->audit_key, bytes);
}

std::array<std::uint8_t, 8> Lmk::check_value() const {
    std::array<std::uint8_t, 8> out{};
    for (const auto& pair : keys_->material.pairs) {
        // One-way: what a pair makes of zeros says nothing of the pair.
        Block8 block{};
        TdesCipher(pair).encrypt(block);
        for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(out[i] ^ block[i]);
    }
    return out;
}

std::string wrap_under_key(const ClearKey& kek, const ClearKey& key, char scheme) {
    ENSURE(scheme_fits(scheme, key.size()));
    ClearKey encrypted = key;
    transform(kek, encrypted, scheme, true);
    return with_scheme(encrypted, scheme);
}

Result<ClearKey, HsmFault> unwrap_under_key(const ClearKey& kek, std::string_view text) {
    const auto split = split_scheme(text);
    if (!split) return tl::unexpected(split.error());
    auto bytes = iso8583::parse_hex(split->hex);
    if (!bytes) return tl::unexpected(HsmFault::input);
    ClearKey key{ByteView(*bytes)};
    transform(kek, key, split->scheme, false);
    return key;
}

}  // namespace hsm
