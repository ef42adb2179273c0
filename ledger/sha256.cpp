#include "ledger/sha256.hpp"

#include <algorithm>
#include <bit>

#include "iso8583/values/ensure.hpp"

namespace ledger {
namespace {

constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

constexpr std::size_t length_bytes = 8;

std::uint32_t word_at(const std::uint8_t* at) {
    return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

/// FIPS 180-4, 6.2.2, with the names it uses.
void compress(std::array<std::uint32_t, 8>& hash, const std::uint8_t* block) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t t = 0; t < 16; ++t) w[t] = word_at(block + 4 * t);
    for (std::size_t t = 16; t < w.size(); ++t) {
        const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
        const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = hash;
    for (std::size_t t = 0; t < w.size(); ++t) {
        const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const std::uint32_t choice = (e & f) ^ (~e & g);
        const std::uint32_t t1 = h + sum1 + choice + round_constants[t] + w[t];
        const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + sum0 + majority;
    }
    const std::array<std::uint32_t, 8> more{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < hash.size(); ++i) hash[i] += more[i];
}

}  // namespace

void Sha256::add_blocks(iso8583::ByteView blocks) {
    ENSURE(blocks.size() % block_bytes == 0);
    for (std::size_t at = 0; at < blocks.size(); at += block_bytes)
        compress(state_.words, blocks.data() + at);
    state_.bytes += blocks.size();
}

Sha256Digest Sha256::finish(iso8583::ByteView rest) const {
    Sha256 last(state_);
    const std::size_t whole = rest.size() - rest.size() % block_bytes;
    last.add_blocks(rest.first(whole));
    const iso8583::ByteView tail = rest.subspan(whole);
    // The tail, a one bit, zeros, and the length in bits: one block, or two when there is no room for it.
    iso8583::Bytes padded(tail.begin(), tail.end());
    padded.push_back(0x80);
    while (padded.size() % block_bytes != block_bytes - length_bytes) padded.push_back(0);
    const std::uint64_t bits = (last.state_.bytes + tail.size()) * 8;
    for (std::size_t i = 0; i < length_bytes; ++i)
        padded.push_back(static_cast<std::uint8_t>(bits >> (8 * (length_bytes - 1 - i))));
    last.add_blocks(padded);
    Sha256Digest digest{};
    for (std::size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<std::uint8_t>(last.state_.words[i / 4] >> (8 * (3 - i % 4)));
    return digest;
}

std::string digest_text(const Sha256Digest& digest) {
    std::string text = iso8583::to_hex(digest);
    for (char& c : text)
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

bool is_digest_text(std::string_view text) {
    return text.size() == 2 * std::tuple_size_v<Sha256Digest> &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace ledger
