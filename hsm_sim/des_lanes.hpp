// DES of up to 128 blocks at a time, each under a key of its own: bit n of all of them lies in one vector,
// one lane for each block, and the cipher is written in ANDs, ORs and XORs of such vectors. From some
// sixteen blocks on that is faster than one after another, and its time tells nothing of keys and data.
//
// Ownership: values; LaneKeys and LaneBlocks wipe themselves. Thread: none of its own. Errors: none; more
// lanes than there are is our bug. Source: FIPS 46-3; decision 0071. Only hsm_engine includes this header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "iso8583/values/bytes.hpp"

namespace hsm {

inline constexpr std::size_t des_lanes_max = 128;

/// One bit of every lane's block; the first lane's stands leftmost in the first word.
using Lanes [[gnu::vector_size(16)]] = std::uint64_t;

/// The lanes of the first `count` blocks.
Lanes first_lanes(std::size_t count);

/// 128 blocks of 64 bits: vector n holds bit n (FIPS 46-3 counts from 1) of all of them.
class LaneBlocks {
  public:
    LaneBlocks() = default;
    ~LaneBlocks() { iso8583::zeroise(bits_.data(), sizeof bits_); }
    LaneBlocks(const LaneBlocks&) = default;
    LaneBlocks& operator=(const LaneBlocks&) = default;

    /// Lane i gets blocks[i], bit 1 being the most significant; lanes without a block are zero.
    void load(std::span<const std::uint64_t> blocks);
    /// … and back.
    void store(std::span<std::uint64_t> blocks) const;
    void operator^=(const LaneBlocks& other);
    /// Takes over the lanes whose bit is set.
    void take(const LaneBlocks& other, Lanes which);
    [[nodiscard]] Lanes& operator[](std::size_t bit) { return bits_[bit]; }
    [[nodiscard]] const Lanes& operator[](std::size_t bit) const { return bits_[bit]; }

  private:
    static constexpr std::size_t block_bits = 64;
    std::array<Lanes, block_bits> bits_{};
};

/// The 56 bits of a single-length key that count, C and then D (PC-1), leftmost; what ciphers keep for lanes.
std::uint64_t des_key_bits(std::span<const std::uint8_t, 8> key);

/// The instructions that the rounds are made of; avx2 on x86-64 processors that have it.
enum class LaneRounds : std::uint8_t { portable, avx2 };
LaneRounds best_lane_rounds();

/// A single-length key for each lane, with its 16 round keys.
class LaneKeys {
  public:
    static constexpr std::size_t rounds = 16, round_key_bits = 48;

    /// Lane i gets keys[i], as des_key_bits() makes it.
    explicit LaneKeys(std::span<const std::uint64_t> keys);
    ~LaneKeys() { iso8583::zeroise(rounds_.data(), sizeof rounds_); }
    LaneKeys(const LaneKeys&) = delete;
    LaneKeys& operator=(const LaneKeys&) = delete;

    void encrypt(LaneBlocks& blocks, LaneRounds how = best_lane_rounds()) const;
    void decrypt(LaneBlocks& blocks, LaneRounds how = best_lane_rounds()) const;

  private:
    using RoundKey = std::array<Lanes, round_key_bits>;
    std::array<RoundKey, rounds> rounds_;
};

}  // namespace hsm
