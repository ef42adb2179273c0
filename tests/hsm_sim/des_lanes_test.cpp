// DES in lanes against the tables of FIPS 46-3 and against OpenSSL's, one block after another.
#include "hsm_sim/des_lanes.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "hsm_sim/des_circuits.hpp"
#include "hsm_sim/mac.hpp"

using namespace hsm;
using iso8583::Bytes;
using iso8583::ByteView;

namespace {

Bytes random_bytes(std::mt19937_64& chance, std::size_t size) {
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(chance());
    return bytes;
}

Block8 bytes_of(std::uint64_t number) {
    Block8 block;
    for (std::size_t i = 0; i < 8; ++i) block[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    return block;
}

/// S1 to S8 as FIPS 46-3 prints them: four rows of sixteen each.
constexpr std::uint8_t boxes[8][4][16] = {{{14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7},
                                           {0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8},
                                           {4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0},
                                           {15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13}},
                                          {{15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10},
                                           {3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5},
                                           {0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15},
                                           {13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9}},
                                          {{10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8},
                                           {13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1},
                                           {13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7},
                                           {1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12}},
                                          {{7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15},
                                           {13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9},
                                           {10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4},
                                           {3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14}},
                                          {{2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9},
                                           {14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6},
                                           {4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14},
                                           {11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3}},
                                          {{12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11},
                                           {10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8},
                                           {9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6},
                                           {4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13}},
                                          {{4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1},
                                           {13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6},
                                           {1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2},
                                           {6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12}},
                                          {{13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7},
                                           {1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2},
                                           {7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8},
                                           {2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11}}};

/// What a circuit makes of six bits, gate by gate.
template <std::size_t Gates>
unsigned output_of(const Circuit<Gates>& circuit, unsigned six_bits) {
    std::vector<bool> wires;
    for (int bit = 5; bit >= 0; --bit) wires.push_back((six_bits >> bit & 1) != 0);
    for (const Gate& gate : circuit.gates) {
        const bool a = wires.at(gate.a), b = wires.at(gate.b);
        wires.push_back(gate.kind == and_gate   ? a && b
                        : gate.kind == or_gate  ? a || b
                        : gate.kind == xor_gate ? a != b
                                                : !a);
    }
    unsigned out = 0;
    for (const std::uint8_t wire : circuit.outputs) out = out << 1 | (wires.at(wire) ? 1U : 0U);
    return out;
}

}  // namespace

TEST_CASE("the circuits are the S-boxes of FIPS 46-3, for all their inputs") {
    std::size_t box = 0;
    std::apply(
        [&](const auto&... circuit) {
            (
                [&] {
                    for (unsigned six = 0; six < 64; ++six) {
                        INFO("S" << box + 1 << " of " << six);
                        const unsigned row = (six >> 5) << 1 | (six & 1), column = six >> 1 & 0xF;
                        CHECK(output_of(circuit, six) == boxes[box][row][column]);
                    }
                    ++box;
                }(),
                ...);
        },
        des_circuits);
    CHECK(box == 8);
}

TEST_CASE("blocks in lanes come out as DES makes them one by one, however many there are") {
    std::mt19937_64 chance(71);
    for (std::size_t count = 0; count <= des_lanes_max; ++count) {
        INFO(count << " lanes");
        std::vector<std::uint64_t> keys, blocks, by_one;
        for (std::size_t i = 0; i < count; ++i) {
            const Block8 key = bytes_of(chance());
            keys.push_back(des_key_bits(key));
            blocks.push_back(chance());
            Block8 block = bytes_of(blocks.back());
            TdesCipher(key).encrypt(block);
            by_one.push_back(0);
            for (const std::uint8_t byte : block) by_one.back() = by_one.back() << 8 | byte;
        }
        for (const LaneRounds how : {LaneRounds::portable, best_lane_rounds()}) {
            INFO((how == LaneRounds::portable ? "portable" : "AVX2"));
            LaneBlocks lanes;
            lanes.load(blocks);
            const LaneKeys lane_keys(keys);
            lane_keys.encrypt(lanes, how);
            std::vector<std::uint64_t> together(count);
            lanes.store(together);
            CHECK(together == by_one);
            lane_keys.decrypt(lanes, how);
            lanes.store(together);
            CHECK(together == blocks);
        }
    }
}

TEST_CASE("a published DES block, in every lane") {
    // FIPS 81, table B1: the first block of "Now is the time for all ".
    std::vector<std::uint64_t> blocks(des_lanes_max, 0x4E6F772069732074U);
    LaneBlocks lanes;
    lanes.load(blocks);
    LaneKeys(std::vector<std::uint64_t>(des_lanes_max, des_key_bits(bytes_of(0x0123456789ABCDEFU))))
        .encrypt(lanes);
    lanes.store(blocks);
    CHECK(blocks == std::vector<std::uint64_t>(des_lanes_max, 0x3FA40E8A984D4815U));
}

TEST_CASE("lanes that are taken over, and those that stay") {
    std::mt19937_64 chance(5);
    std::vector<std::uint64_t> ours, theirs, out(des_lanes_max);
    for (std::size_t i = 0; i < des_lanes_max; ++i) {
        ours.push_back(chance());
        theirs.push_back(chance());
    }
    for (const std::size_t taken : {0U, 1U, 17U, 64U, 65U, 128U}) {
        LaneBlocks lanes, others;
        lanes.load(ours);
        others.load(theirs);
        lanes.take(others, first_lanes(taken));
        lanes.store(out);
        for (std::size_t i = 0; i < des_lanes_max; ++i) CHECK(out[i] == (i < taken ? theirs[i] : ours[i]));
    }
}

TEST_CASE("retail MACs made together are those made alone: any number, length, padding and key") {
    std::mt19937_64 chance(14);
    for (int round = 0; round < 200; ++round) {
        const std::size_t count = chance() % 300;
        const std::size_t longest = chance() % 2 == 0 ? 20 : 400;
        INFO("round " << round << ", " << count << " of them");
        std::vector<std::unique_ptr<TdesCipher>> keys;
        std::vector<Bytes> messages;
        std::vector<MacTask> tasks;
        for (std::size_t i = 0; i < count; ++i) {
            keys.push_back(std::make_unique<TdesCipher>(random_bytes(chance, chance() % 2 == 0 ? 16 : 24)));
            const bool much_longer = chance() % 40 == 0;
            messages.push_back(random_bytes(chance, chance() % longest + (much_longer ? 3'000 : 0)));
        }
        for (std::size_t i = 0; i < count; ++i)
            tasks.push_back(
                {keys[i].get(), messages[i], chance() % 2 == 0 ? MacPadding::zeros : MacPadding::bit, {}});
        retail_macs(tasks);
        for (std::size_t i = 0; i < count; ++i) {
            INFO("task " << i << ", " << messages[i].size() << " bytes");
            CHECK(tasks[i].key == keys[i].get());  // nobody changed places
            CHECK(tasks[i].mac == retail_mac(*keys[i], messages[i], tasks[i].padding));
        }
    }
}
