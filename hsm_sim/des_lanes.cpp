#include "hsm_sim/des_lanes.hpp"

#include <algorithm>
#include <utility>

#include "hsm_sim/des_circuits.hpp"
#include "iso8583/values/ensure.hpp"

namespace hsm {
namespace {

constexpr std::size_t half_bits = 32, key_half_bits = 28, boxes = 8, box_inputs = 6, box_outputs = 4;

// All tables count from zero, where FIPS 46-3 counts from 1.

/// IP: the first half of the bits are the even ones of FIPS' count, last byte first, then the odd ones.
constexpr std::size_t initial_permutation(std::size_t bit) {
    const std::size_t row = bit / 8, column = bit % 8;
    return (7 - column) * 8 + (row < 4 ? 2 * row + 1 : 2 * (row - 4));
}

/// E: a box sees its four bits and a neighbour on either side.
constexpr std::size_t expansion(std::size_t box, std::size_t input) {
    return (box_outputs * box + input + half_bits - 1) % half_bits;
}

/// P: which bit that the boxes gave goes to each place.
constexpr std::array<std::uint8_t, half_bits> permutation = {15, 6, 19, 20, 28, 11, 27, 16, 0,  14, 22,
                                                             25, 4, 17, 30, 9,  1,  7,  23, 13, 31, 26,
                                                             2,  8, 18, 12, 29, 5,  21, 10, 3,  24};

constexpr std::array<std::uint8_t, half_bits> place_of_output = [] {
    std::array<std::uint8_t, half_bits> places{};
    for (std::size_t place = 0; place < half_bits; ++place)
        places[permutation[place]] = static_cast<std::uint8_t>(place);
    return places;
}();

/// PC-1: the bits of the key that count, C and then D.
constexpr std::array<std::uint8_t, 2 * key_half_bits> key_bits = {
    56, 48, 40, 32, 24, 16, 8,  0,  57, 49, 41, 33, 25, 17, 9,  1,  58, 50, 42,
    34, 26, 18, 10, 2,  59, 51, 43, 35, 62, 54, 46, 38, 30, 22, 14, 6,  61, 53,
    45, 37, 29, 21, 13, 5,  60, 52, 44, 36, 28, 20, 12, 4,  27, 19, 11, 3};

/// PC-2: which of them, after the rotation, a round takes.
constexpr std::array<std::uint8_t, LaneKeys::round_key_bits> round_key_choice = {
    13, 16, 10, 23, 0,  4,  2,  27, 14, 5,  20, 9,  22, 18, 11, 3,  25, 7,  15, 6,  26, 19, 12, 1,
    40, 51, 30, 36, 46, 54, 29, 39, 50, 44, 32, 47, 43, 48, 38, 55, 33, 52, 45, 41, 49, 35, 28, 31};

/// By how many places C and D are rotated in each round, all before it included.
constexpr std::array<std::uint8_t, LaneKeys::rounds> rotations = {1,  2,  4,  6,  8,  10, 12, 14,
                                                                  15, 17, 19, 21, 23, 25, 27, 28};

constexpr std::size_t word_lanes = 64;
using Words = std::array<std::uint64_t, word_lanes>;

/// Rows become columns: of quarters first, then of their quarters.
void transpose(Words& rows) {
    std::uint64_t right_half = 0x00000000FFFFFFFFU;
    for (std::size_t side = word_lanes / 2; side != 0; side /= 2, right_half ^= right_half << side) {
        for (std::size_t upper = 0; upper < word_lanes; upper = (upper + side + 1) & ~side) {
            const std::uint64_t crossed = (rows[upper] ^ (rows[upper + side] >> side)) & right_half;
            rows[upper] ^= crossed;
            rows[upper + side] ^= crossed << side;
        }
    }
}

/// Calls it with each word of the lanes that has blocks, and where its blocks begin and end.
template <typename Each>
void each_word(std::size_t blocks, Each each) {
    for (std::size_t from = 0; from < blocks; from += word_lanes)
        each(from / word_lanes, from, std::min(blocks, from + word_lanes));
}

// Inlined always: they become instructions of the set of the function that they stand in.

template <Gate gate>
[[gnu::always_inline]] inline Lanes pass(const Lanes& a, const Lanes& b) {
    if constexpr (gate.kind == and_gate) return a & b;
    if constexpr (gate.kind == or_gate) return a | b;
    if constexpr (gate.kind == xor_gate) return a ^ b;
    if constexpr (gate.kind == not_gate) return ~a;
}

/// One S-box of one round: what comes out is added to the other half. Every index is known when it is
/// compiled, so that wires are registers.
template <std::size_t box, std::size_t... input, std::size_t... gate, std::size_t... output>
[[gnu::always_inline]] inline void substitute(const Lanes* from, Lanes* to, const Lanes* key,
                                              std::index_sequence<input...>, std::index_sequence<gate...>,
                                              std::index_sequence<output...>) {
    constexpr const auto& circuit = std::get<box>(des_circuits);
    Lanes wires[box_inputs + sizeof...(gate)];
    ((wires[input] = from[expansion(box, input)] ^ key[box * box_inputs + input]), ...);
    ((wires[box_inputs + gate] =
          pass<circuit.gates[gate]>(wires[circuit.gates[gate].a], wires[circuit.gates[gate].b])),
     ...);
    ((to[place_of_output[box * box_outputs + output]] ^= wires[circuit.outputs[output]]), ...);
}

template <std::size_t... box>
[[gnu::always_inline]] inline void run_round(const Lanes* from, Lanes* to, const Lanes* key,
                                             std::index_sequence<box...>) {
    (substitute<box>(from, to, key, std::make_index_sequence<box_inputs>{},
                     std::make_index_sequence<std::get<box>(des_circuits).gates.size()>{},
                     std::make_index_sequence<box_outputs>{}),
     ...);
}

/// Two rounds at a time, so that the halves need not change places. `key` goes on by `step` each round.
[[gnu::always_inline]] inline void run_rounds(Lanes* left, Lanes* right, const Lanes* key,
                                              std::ptrdiff_t step) {
    constexpr std::make_index_sequence<boxes> all{};
    for (std::size_t round = 0; round < LaneKeys::rounds; round += 2, key += 2 * step) {
        run_round(right, left, key, all);
        run_round(left, right, key + step, all);
    }
}

void run_portable(Lanes* left, Lanes* right, const Lanes* key, std::ptrdiff_t step) {
    run_rounds(left, right, key, step);
}

#if defined(__x86_64__)
/// In instructions that leave their operands as they were: a third fewer.
[[gnu::target("avx2")]] void run_avx2(Lanes* left, Lanes* right, const Lanes* key, std::ptrdiff_t step) {
    run_rounds(left, right, key, step);
}
#endif

}  // namespace

Lanes first_lanes(std::size_t count) {
    ENSURE(count <= des_lanes_max);
    Lanes lanes{};
    each_word(count, [&](std::size_t word, std::size_t from, std::size_t to) {
        lanes[word] = ~std::uint64_t{0} << (word_lanes - (to - from));
    });
    return lanes;
}

void LaneBlocks::load(std::span<const std::uint64_t> blocks) {
    ENSURE(blocks.size() <= des_lanes_max);
    bits_.fill(Lanes{});
    each_word(blocks.size(), [&](std::size_t word, std::size_t from, std::size_t to) {
        Words rows{};
        std::copy(&blocks[from], blocks.data() + to, rows.begin());
        transpose(rows);
        for (std::size_t bit = 0; bit < block_bits; ++bit) bits_[bit][word] = rows[bit];
        iso8583::zeroise(rows.data(), sizeof rows);
    });
}

void LaneBlocks::store(std::span<std::uint64_t> blocks) const {
    ENSURE(blocks.size() <= des_lanes_max);
    each_word(blocks.size(), [&](std::size_t word, std::size_t from, std::size_t to) {
        Words rows;
        for (std::size_t bit = 0; bit < block_bits; ++bit) rows[bit] = bits_[bit][word];
        transpose(rows);
        std::copy_n(rows.begin(), to - from, &blocks[from]);
    });
}

void LaneBlocks::operator^=(const LaneBlocks& other) {
    for (std::size_t bit = 0; bit < bits_.size(); ++bit) bits_[bit] ^= other.bits_[bit];
}

void LaneBlocks::take(const LaneBlocks& other, Lanes which) {
    for (std::size_t bit = 0; bit < bits_.size(); ++bit)
        bits_[bit] ^= (bits_[bit] ^ other.bits_[bit]) & which;
}

std::uint64_t des_key_bits(std::span<const std::uint8_t, 8> key) {
    std::uint64_t bits = 0;
    for (const std::uint8_t bit : key_bits) {
        const unsigned byte = key[bit / 8];
        bits = bits << 1 | (byte >> (7 - bit % 8) & 1U);
    }
    return bits << (64 - key_bits.size());
}

LaneKeys::LaneKeys(std::span<const std::uint64_t> keys) {
    LaneBlocks bits;
    bits.load(keys);
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < round_key_bits; ++i) {
            const std::size_t half = round_key_choice[i] / key_half_bits * key_half_bits;
            rounds_[round][i] = bits[half + (round_key_choice[i] - half + rotations[round]) % key_half_bits];
        }
    }
}

LaneRounds best_lane_rounds() {
#if defined(__x86_64__)
    static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
    if (has_avx2) return LaneRounds::avx2;
#endif
    return LaneRounds::portable;
}

namespace {

void run(LaneBlocks& blocks, const Lanes* key, std::ptrdiff_t step, [[maybe_unused]] LaneRounds how) {
    std::array<Lanes, half_bits> left, right;
    for (std::size_t i = 0; i < half_bits; ++i) {
        left[i] = blocks[initial_permutation(i)];
        right[i] = blocks[initial_permutation(half_bits + i)];
    }
    auto* run_them = run_portable;
#if defined(__x86_64__)
    if (how == LaneRounds::avx2) run_them = run_avx2;
#endif
    run_them(left.data(), right.data(), key, step);
    // The last round's halves stay crossed, and the final permutation undoes the initial one.
    for (std::size_t i = 0; i < half_bits; ++i) {
        blocks[initial_permutation(i)] = right[i];
        blocks[initial_permutation(half_bits + i)] = left[i];
    }
    iso8583::zeroise(left.data(), sizeof left);
    iso8583::zeroise(right.data(), sizeof right);
}

}  // namespace

void LaneKeys::encrypt(LaneBlocks& blocks, LaneRounds how) const {
    run(blocks, rounds_.front().data(), static_cast<std::ptrdiff_t>(round_key_bits), how);
}

void LaneKeys::decrypt(LaneBlocks& blocks, LaneRounds how) const {
    run(blocks, rounds_.back().data(), -static_cast<std::ptrdiff_t>(round_key_bits), how);
}

}  // namespace hsm
