#include "hsm_sim/ciphers.hpp"

#include <openssl/crypto.h>

#include <bit>
#include <cstring>

#include "hsm_sim/des_lanes.hpp"

namespace hsm {
namespace {

void schedule(const std::uint8_t* key, DES_key_schedule& out) {
    DES_set_key_unchecked(reinterpret_cast<const_DES_cblock*>(const_cast<std::uint8_t*>(key)), &out);
}

// OpenSSL takes its key schedules as pointers to non-const and does not change them.
DES_key_schedule* mutable_schedule(const DES_key_schedule& s) { return const_cast<DES_key_schedule*>(&s); }

void xor_into(std::uint8_t* to, const std::uint8_t* from, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::uint8_t>(to[i] ^ from[i]);
}

}  // namespace

TdesCipher::TdesCipher(iso8583::ByteView key) : key_bytes_(key.size()) {
    ENSURE(key.size() == 8 || key.size() == 16 || key.size() == 24);
    const auto part = [&](std::size_t at) { return key.subspan(key.size() > at ? at : 0).first<8>(); };
    schedule(part(0).data(), first_);
    schedule(part(8).data(), second_);
    schedule(part(16).data(), third_);
    for (std::size_t step = 0; step < lane_keys_.size(); ++step)
        lane_keys_[step] = des_key_bits(part(8 * step));
}

TdesCipher::~TdesCipher() {
    OPENSSL_cleanse(lane_keys_.data(), sizeof lane_keys_);
    OPENSSL_cleanse(&first_, sizeof first_);
    OPENSSL_cleanse(&second_, sizeof second_);
    OPENSSL_cleanse(&third_, sizeof third_);
}

void TdesCipher::encrypt(Block8& block) const {
    auto* b = reinterpret_cast<DES_cblock*>(block.data());
    if (single())
        DES_ecb_encrypt(b, b, mutable_schedule(first_), DES_ENCRYPT);
    else
        DES_ecb3_encrypt(b, b, mutable_schedule(first_), mutable_schedule(second_), mutable_schedule(third_),
                         DES_ENCRYPT);
}

void TdesCipher::decrypt(Block8& block) const {
    auto* b = reinterpret_cast<DES_cblock*>(block.data());
    if (single())
        DES_ecb_encrypt(b, b, mutable_schedule(first_), DES_DECRYPT);
    else
        DES_ecb3_encrypt(b, b, mutable_schedule(first_), mutable_schedule(second_), mutable_schedule(third_),
                         DES_DECRYPT);
}

void TdesCipher::encrypt_ecb(std::span<std::uint8_t> data) const {
    ENSURE(data.size() % 8 == 0);
    Block8 block;
    const Wipe wipe(block);
    for (std::size_t i = 0; i < data.size(); i += 8) {
        std::memcpy(block.data(), &data[i], 8);
        encrypt(block);
        std::memcpy(&data[i], block.data(), 8);
    }
}

void TdesCipher::decrypt_ecb(std::span<std::uint8_t> data) const {
    ENSURE(data.size() % 8 == 0);
    Block8 block;
    const Wipe wipe(block);
    for (std::size_t i = 0; i < data.size(); i += 8) {
        std::memcpy(block.data(), &data[i], 8);
        decrypt(block);
        std::memcpy(&data[i], block.data(), 8);
    }
}

void TdesCipher::encrypt_cbc(std::span<std::uint8_t> data, Block8 iv) const {
    ENSURE(data.size() % 8 == 0);
    for (std::size_t i = 0; i < data.size(); i += 8) {
        xor_into(iv.data(), &data[i], 8);
        encrypt(iv);
        std::memcpy(&data[i], iv.data(), 8);
    }
}

void TdesCipher::decrypt_cbc(std::span<std::uint8_t> data, Block8 iv) const {
    ENSURE(data.size() % 8 == 0);
    Block8 block;
    Block8 next;
    const Wipe wipe(block);
    for (std::size_t i = 0; i < data.size(); i += 8) {
        std::memcpy(block.data(), &data[i], 8);
        next = block;
        decrypt(block);
        xor_into(block.data(), iv.data(), 8);
        std::memcpy(&data[i], block.data(), 8);
        iv = next;
    }
}

void TdesCipher::chain_single(iso8583::ByteView blocks, Block8& chain) const {
    ENSURE(blocks.size() % 8 == 0);
    if (blocks.empty()) return;
    auto* c = reinterpret_cast<DES_cblock*>(chain.data());
    DES_cblock out;
    DES_cbc_cksum(blocks.data(), &out, static_cast<long>(blocks.size()), mutable_schedule(first_), c);
    std::memcpy(chain.data(), out, 8);
}

void TdesCipher::finish_retail(Block8& block) const {
    ENSURE(!single());
    auto* b = reinterpret_cast<DES_cblock*>(block.data());
    DES_ecb_encrypt(b, b, mutable_schedule(second_), DES_DECRYPT);
    DES_ecb_encrypt(b, b, mutable_schedule(third_), DES_ENCRYPT);
}

namespace {

const EVP_CIPHER* aes_ecb(std::size_t key_bytes) {
    return key_bytes == 16 ? EVP_aes_128_ecb() : key_bytes == 24 ? EVP_aes_192_ecb() : EVP_aes_256_ecb();
}
const EVP_CIPHER* aes_cbc(std::size_t key_bytes) {
    return key_bytes == 16 ? EVP_aes_128_cbc() : key_bytes == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
}

EVP_CIPHER_CTX* new_context(const EVP_CIPHER* cipher, iso8583::ByteView key, const std::uint8_t* iv,
                            int encrypt) {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    ENSURE(context != nullptr);
    ENSURE(EVP_CipherInit_ex(context, cipher, nullptr, key.data(), iv, encrypt) == 1);
    ENSURE(EVP_CIPHER_CTX_set_padding(context, 0) == 1);
    return context;
}

void update(EVP_CIPHER_CTX* context, std::uint8_t* data, std::size_t size) {
    int done = 0;
    ENSURE(EVP_CipherUpdate(context, data, &done, data, static_cast<int>(size)) == 1);
    ENSURE(done == static_cast<int>(size));
}

/// Doubling in GF(2^128), SP 800-38B 6.1.
Block16 doubled(const Block16& in) {
    Block16 out{};
    for (std::size_t i = 0; i < 16; ++i) {
        const int carry = i + 1 < 16 ? in[i + 1] >> 7 : 0;
        out[i] = static_cast<std::uint8_t>(in[i] << 1 | carry);
    }
    if ((in[0] & 0x80) != 0) out[15] = static_cast<std::uint8_t>(out[15] ^ 0x87);
    return out;
}

constexpr Block16 zero16{};

}  // namespace

AesCipher::AesCipher(iso8583::ByteView key) : key_bytes_(key.size()) {
    ENSURE(key.size() == 16 || key.size() == 24 || key.size() == 32);
    encrypt_.reset(new_context(aes_ecb(key.size()), key, nullptr, 1));
    decrypt_.reset(new_context(aes_ecb(key.size()), key, nullptr, 0));
    chain_.reset(new_context(aes_cbc(key.size()), key, zero16.data(), 1));
    Block16 zero{};
    encrypt(zero);
    subkey1_ = doubled(zero);
    subkey2_ = doubled(subkey1_);
    iso8583::zeroise(zero.data(), zero.size());
}

AesCipher::~AesCipher() {
    iso8583::zeroise(subkey1_.data(), 16);
    iso8583::zeroise(subkey2_.data(), 16);
    iso8583::zeroise(chained_.data(), 16);
}

void AesCipher::encrypt(Block16& block) { update(encrypt_.get(), block.data(), 16); }
void AesCipher::decrypt(Block16& block) { update(decrypt_.get(), block.data(), 16); }

void AesCipher::encrypt_cbc(std::span<std::uint8_t> data, Block16 iv) {
    ENSURE(data.size() % 16 == 0);
    for (std::size_t i = 0; i < data.size(); i += 16) {
        xor_into(iv.data(), &data[i], 16);
        encrypt(iv);
        std::memcpy(&data[i], iv.data(), 16);
    }
}

void AesCipher::decrypt_cbc(std::span<std::uint8_t> data, Block16 iv) {
    ENSURE(data.size() % 16 == 0);
    Block16 block;
    Block16 next;
    const Wipe wipe(block);
    for (std::size_t i = 0; i < data.size(); i += 16) {
        std::memcpy(block.data(), &data[i], 16);
        next = block;
        decrypt(block);
        xor_into(block.data(), iv.data(), 16);
        std::memcpy(&data[i], block.data(), 16);
        iv = next;
    }
}

// The CBC context is never started again, which would cost more than the blocks of a short message: whatever
// it chained last is added to the first block, so that the two cancel and the message begins with a zero
// vector.
Block16 AesCipher::cmac(iso8583::ByteView message) {
    static constexpr std::size_t chunk_bytes = 1024;
    std::array<std::uint8_t, chunk_bytes> chunk;
    const bool whole = !message.empty() && message.size() % 16 == 0;
    const std::size_t last_at = message.empty() ? 0 : (message.size() - 1) / 16 * 16;
    bool first = true;
    std::size_t at = 0;
    for (;;) {
        const bool final_chunk = message.size() - at <= chunk_bytes;
        std::size_t size = final_chunk ? message.size() - at : chunk_bytes;
        if (size != 0) std::memcpy(chunk.data(), message.data() + at, size);
        if (final_chunk) {
            if (!whole) {
                chunk[size] = 0x80;
                const std::size_t padded = last_at - at + 16;
                std::memset(chunk.data() + size + 1, 0, padded - size - 1);
                size = padded;
            }
            xor_into(chunk.data() + size - 16, whole ? subkey1_.data() : subkey2_.data(), 16);
        }
        if (first) xor_into(chunk.data(), chained_.data(), 16);
        first = false;
        update(chain_.get(), chunk.data(), size);
        std::memcpy(chained_.data(), chunk.data() + size - 16, 16);
        if (final_chunk) return chained_;
        at += chunk_bytes;
    }
}

void set_odd_parity(std::span<std::uint8_t> key) {
    for (std::uint8_t& b : key)
        if (std::popcount(b) % 2 == 0) b = static_cast<std::uint8_t>(b ^ 1);
}

bool has_odd_parity(iso8583::ByteView key) {
    // Without an early way out: the time must not tell how far a guessed key was right.
    unsigned even = 0;
    for (const std::uint8_t b : key) even |= 1U ^ (static_cast<unsigned>(std::popcount(b)) & 1U);
    return even == 0;
}

bool is_single_length_masquerade(iso8583::ByteView key) {
    if (key.size() == 16) return equal_constant_time(key.first(8), key.last(8));
    if (key.size() == 24)
        return equal_constant_time(key.first(8), key.subspan(8, 8)) ||
               equal_constant_time(key.subspan(8, 8), key.last(8));
    return false;
}

bool equal_constant_time(iso8583::ByteView a, iso8583::ByteView b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace hsm
