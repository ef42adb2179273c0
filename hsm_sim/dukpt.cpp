#include "hsm_sim/dukpt.hpp"

#include <bit>
#include <cstring>

#include "hsm_sim/ciphers.hpp"

namespace hsm {
namespace {

using iso8583::ByteView;
using iso8583::Result;

// X9.24-1 A.2: what turns a key into the other half of a derived key pair.
constexpr std::array<std::uint8_t, 16> half_mask = {0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0,
                                                    0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0};

void xor_masked(ClearKey& key, const std::array<std::uint8_t, 16>& mask) {
    for (std::size_t i = 0; i < 16; ++i) key[i] = static_cast<std::uint8_t>(key[i] ^ mask[i]);
}

/// One half of the non-reversible key generation: DES with the left half around the right half of `key`.
Block8 generate_half(const ClearKey& key, const Block8& register8) {
    Block8 block;
    for (std::size_t i = 0; i < 8; ++i) block[i] = static_cast<std::uint8_t>(register8[i] ^ key[8 + i]);
    TdesCipher(key.part(0, 8)).encrypt(block);
    for (std::size_t i = 0; i < 8; ++i) block[i] = static_cast<std::uint8_t>(block[i] ^ key[8 + i]);
    return block;
}

ClearKey next_key(const ClearKey& key, const Block8& register8) {
    ClearKey masked = key;
    xor_masked(masked, half_mask);
    Block8 left = generate_half(masked, register8);
    Block8 right = generate_half(key, register8);
    const Wipe wipe_left(left);
    const Wipe wipe_right(right);
    ClearKey out(16);
    std::memcpy(out.data(), left.data(), 8);
    std::memcpy(out.data() + 8, right.data(), 8);
    return out;
}

constexpr std::uint32_t tdes_counter_mask = 0x1FFFFF;

std::uint32_t counter_of(const TdesKsn& ksn) {
    return (static_cast<std::uint32_t>(ksn[7]) << 16 | static_cast<std::uint32_t>(ksn[8]) << 8 | ksn[9]) &
           tdes_counter_mask;
}

}  // namespace

Result<TdesKsn, HsmFault> parse_tdes_ksn(std::string_view hex) {
    const auto bytes = hex.size() < 16 || hex.size() > 20 || hex.size() % 2 != 0
                           ? iso8583::Result<iso8583::Bytes>(iso8583::parse_error(""))
                           : iso8583::parse_hex(hex);
    if (!bytes) return tl::unexpected(HsmFault::input);
    TdesKsn ksn;
    ksn.fill(0xFF);
    std::copy(bytes->begin(), bytes->end(), ksn.end() - static_cast<std::ptrdiff_t>(bytes->size()));
    return ksn;
}

Result<AesKsn, HsmFault> parse_aes_ksn(std::string_view hex) {
    const auto bytes = iso8583::parse_hex(hex);
    if (!bytes || bytes->size() != 12) return tl::unexpected(HsmFault::input);
    AesKsn ksn;
    std::copy(bytes->begin(), bytes->end(), ksn.begin());
    return ksn;
}

ClearKey dukpt_tdes_initial_key(ByteView bdk, const TdesKsn& ksn) {
    ENSURE(bdk.size() == 16);
    Block8 serial;
    std::memcpy(serial.data(), ksn.data(), 8);
    serial[7] = static_cast<std::uint8_t>(serial[7] & 0xE0);
    ClearKey key(bdk);
    ClearKey out(16);
    for (std::size_t half = 0; half < 2; ++half) {
        Block8 block = serial;
        const Wipe wipe(block);
        TdesCipher(key.view()).encrypt(block);
        std::memcpy(out.data() + 8 * half, block.data(), 8);
        xor_masked(key, half_mask);
    }
    return out;
}

ClearKey dukpt_tdes_transaction_key(ByteView bdk, const TdesKsn& ksn) {
    ClearKey key = dukpt_tdes_initial_key(bdk, ksn);
    Block8 register8;
    std::memcpy(register8.data(), ksn.data() + 2, 8);
    register8[5] = static_cast<std::uint8_t>(register8[5] & 0xE0);
    register8[6] = register8[7] = 0;
    const std::uint32_t counter = counter_of(ksn);
    for (std::uint32_t bit = 0x100000; bit != 0; bit >>= 1) {
        if ((counter & bit) == 0) continue;
        register8[5] = static_cast<std::uint8_t>(register8[5] | bit >> 16);
        register8[6] = static_cast<std::uint8_t>(register8[6] | (bit >> 8 & 0xFF));
        register8[7] = static_cast<std::uint8_t>(register8[7] | (bit & 0xFF));
        key = next_key(key, register8);
    }
    return key;
}

ClearKey dukpt_tdes_working_key(ByteView bdk, const TdesKsn& ksn, DukptPurpose purpose) {
    ClearKey key = dukpt_tdes_transaction_key(bdk, ksn);
    const std::size_t at = purpose == DukptPurpose::pin            ? 7
                           : purpose == DukptPurpose::mac_request  ? 6
                           : purpose == DukptPurpose::mac_response ? 4
                                                                   : 5;
    key[at] = static_cast<std::uint8_t>(key[at] ^ 0xFF);
    key[8 + at] = static_cast<std::uint8_t>(key[8 + at] ^ 0xFF);
    if (purpose == DukptPurpose::data_request) {
        const TdesCipher self(key.view());
        self.encrypt_ecb({key.data(), 16});
    }
    return key;
}

namespace {

std::uint16_t algorithm_code(DukptKeyType type) { return static_cast<std::uint16_t>(type); }

std::size_t key_bytes(DukptKeyType type) {
    switch (type) {
        case DukptKeyType::tdes_double:
            return 16;
        case DukptKeyType::tdes_triple:
            return 24;
        case DukptKeyType::aes128:
            return 16;
        case DukptKeyType::aes192:
            return 24;
        case DukptKeyType::aes256:
            return 32;
    }
    return 0;
}

DukptKeyType aes_type(std::size_t bytes) {
    return bytes == 16 ? DukptKeyType::aes128 : bytes == 24 ? DukptKeyType::aes192 : DukptKeyType::aes256;
}

/// X9.24-3 6.3.2: the derivation data, encrypted block by block under the derivation key. `context` is what
/// comes after the algorithm and length: the whole initial key id, or its right half and the counter.
ClearKey derive(ByteView key, std::uint16_t usage, DukptKeyType type,
                const std::array<std::uint8_t, 8>& context) {
    AesCipher cipher(key);
    ClearKey out(key_bytes(type));
    const std::size_t bits = out.size() * 8;
    for (std::size_t at = 0; at < out.size(); at += 16) {
        Block16 data{};
        data[0] = 1;
        data[1] = static_cast<std::uint8_t>(at / 16 + 1);
        data[2] = static_cast<std::uint8_t>(usage >> 8);
        data[3] = static_cast<std::uint8_t>(usage & 0xFF);
        data[4] = static_cast<std::uint8_t>(algorithm_code(type) >> 8);
        data[5] = static_cast<std::uint8_t>(algorithm_code(type) & 0xFF);
        data[6] = static_cast<std::uint8_t>(bits >> 8);
        data[7] = static_cast<std::uint8_t>(bits & 0xFF);
        std::copy(context.begin(), context.end(), data.begin() + 8);
        cipher.encrypt(data);
        const Wipe wipe(data);
        std::memcpy(out.data() + at, data.data(), std::min<std::size_t>(16, out.size() - at));
    }
    return out;
}

constexpr std::uint16_t usage_key_derivation = 0x8000;
constexpr std::uint16_t usage_initial_key = 0x8001;

/// Right half of the initial key id, then the counter.
std::array<std::uint8_t, 8> counter_context(const AesKsn& ksn, std::uint32_t counter) {
    std::array<std::uint8_t, 8> out;
    std::copy(ksn.begin() + 4, ksn.begin() + 8, out.begin());
    for (std::size_t i = 0; i < 4; ++i) out[4 + i] = static_cast<std::uint8_t>(counter >> (24 - 8 * i));
    return out;
}

std::uint32_t counter_of(const AesKsn& ksn) {
    std::uint32_t counter = 0;
    for (std::size_t i = 8; i < 12; ++i) counter = counter << 8 | ksn[i];
    return counter;
}

}  // namespace

ClearKey dukpt_aes_initial_key(ByteView bdk, const std::array<std::uint8_t, 8>& initial_key_id) {
    return derive(bdk, usage_initial_key, aes_type(bdk.size()), initial_key_id);
}

ClearKey dukpt_aes_transaction_key(ByteView bdk, const AesKsn& ksn) {
    std::array<std::uint8_t, 8> id;
    std::copy(ksn.begin(), ksn.begin() + 8, id.begin());
    ClearKey key = dukpt_aes_initial_key(bdk, id);
    const std::uint32_t counter = counter_of(ksn);
    std::uint32_t working = 0;
    for (std::uint32_t bit = 0x80000000; bit != 0; bit >>= 1) {
        if ((counter & bit) == 0) continue;
        working |= bit;
        key = derive(key.view(), usage_key_derivation, aes_type(bdk.size()), counter_context(ksn, working));
    }
    return key;
}

ClearKey dukpt_aes_working_key(ByteView bdk, const AesKsn& ksn, DukptUsage usage, DukptKeyType type) {
    const ClearKey transaction = dukpt_aes_transaction_key(bdk, ksn);
    return derive(transaction.view(), static_cast<std::uint16_t>(usage), type,
                  counter_context(ksn, counter_of(ksn)));
}

}  // namespace hsm
