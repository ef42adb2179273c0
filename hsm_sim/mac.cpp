#include "hsm_sim/mac.hpp"

#include <cstring>

#include "hsm_sim/unionpay_fold.hpp"

namespace hsm {
namespace {

void xor_into(Block8& to, const std::uint8_t* from) {
    for (std::size_t i = 0; i < 8; ++i) to[i] = static_cast<std::uint8_t>(to[i] ^ from[i]);
}

/// The last block after padding, and how many bytes before it are whole blocks.
struct Tail {
    std::size_t whole_bytes = 0;
    Block8 last{};
};

Tail padded_tail(iso8583::ByteView data, MacPadding padding) {
    Tail tail;
    const std::size_t left = data.size() % 8;
    const bool needs_block = left != 0 || data.empty() || padding == MacPadding::bit;
    tail.whole_bytes = needs_block ? data.size() - left : data.size() - 8;
    const std::size_t bytes = data.size() - tail.whole_bytes;
    if (bytes != 0) std::memcpy(tail.last.data(), &data[tail.whole_bytes], bytes);
    if (padding == MacPadding::bit) tail.last[bytes] = 0x80;
    return tail;
}

}  // namespace

Block8 cbc_mac(const TdesCipher& key, iso8583::ByteView data, MacPadding padding) {
    const Tail tail = padded_tail(data, padding);
    Block8 chain{};
    for (std::size_t i = 0; i < tail.whole_bytes; i += 8) {
        xor_into(chain, &data[i]);
        key.encrypt(chain);
    }
    xor_into(chain, tail.last.data());
    key.encrypt(chain);
    return chain;
}

Block8 retail_mac(const TdesCipher& key, iso8583::ByteView data, MacPadding padding) {
    const Tail tail = padded_tail(data, padding);
    Block8 chain{};
    key.chain_single(data.first(tail.whole_bytes), chain);
    key.chain_single(tail.last, chain);
    key.finish_retail(chain);
    return chain;
}

Block8 tdes_cmac(const TdesCipher& key, iso8583::ByteView data) {
    // Doubling in GF(2^64), SP 800-38B 6.1.
    const auto doubled = [](const Block8& in) {
        Block8 out{};
        for (std::size_t i = 0; i < 8; ++i) {
            const int carry = i + 1 < 8 ? in[i + 1] >> 7 : 0;
            out[i] = static_cast<std::uint8_t>(in[i] << 1 | carry);
        }
        if ((in[0] & 0x80) != 0) out[7] = static_cast<std::uint8_t>(out[7] ^ 0x1B);
        return out;
    };
    const bool whole = !data.empty() && data.size() % 8 == 0;
    Block8 zero{};
    key.encrypt(zero);
    Block8 subkey = doubled(zero);
    if (!whole) subkey = doubled(subkey);
    Tail tail = padded_tail(data, whole ? MacPadding::zeros : MacPadding::bit);
    xor_into(tail.last, subkey.data());
    Block8 chain{};
    for (std::size_t i = 0; i < tail.whole_bytes; i += 8) {
        xor_into(chain, &data[i]);
        key.encrypt(chain);
    }
    xor_into(chain, tail.last.data());
    key.encrypt(chain);
    iso8583::zeroise(zero.data(), 8);
    iso8583::zeroise(subkey.data(), 8);
    return chain;
}

Block8 unionpay_mac(const TdesCipher& key, iso8583::ByteView data) {
    const std::array<std::uint8_t, 16> r = unionpay_fold(data);
    Block8 chain;
    std::memcpy(chain.data(), r.data(), 8);
    key.encrypt(chain);
    xor_into(chain, r.data() + 8);
    key.encrypt(chain);
    static constexpr char digits[] = "0123456789ABCDEF";
    Block8 out;
    for (std::size_t i = 0; i < 4; ++i) {
        out[2 * i] = static_cast<std::uint8_t>(digits[chain[i] >> 4]);
        out[2 * i + 1] = static_cast<std::uint8_t>(digits[chain[i] & 0xF]);
    }
    return out;
}

}  // namespace hsm
