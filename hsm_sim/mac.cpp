#include "hsm_sim/mac.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "hsm_sim/des_lanes.hpp"
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

// ---- many together

namespace {

using LaneRows = std::array<std::uint64_t, des_lanes_max>;
using LaneTasks = std::span<MacTask* const>;

/// Eight bytes as the number that they are in big-endian order, or such a number's bytes.
std::uint64_t big_endian(std::uint64_t value) {
    return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

/// The keys of one step, a lane for each task.
LaneKeys lane_keys(LaneTasks tasks, std::size_t step) {
    struct Rows {
        LaneRows keys;
        ~Rows() { iso8583::zeroise(keys.data(), sizeof keys); }
    } rows;
    for (std::size_t i = 0; i < tasks.size(); ++i) rows.keys[i] = tasks[i]->key->lane_key(step);
    return LaneKeys(std::span(rows.keys).first(tasks.size()));
}

/// The rest of a chain that has come to `at`, with the inner key.
void chain_rest(const MacTask& task, const Tail& tail, std::size_t at, std::uint64_t& chained) {
    Block8 chain;
    std::uint64_t bytes = big_endian(chained);
    std::memcpy(chain.data(), &bytes, sizeof bytes);
    task.key->chain_single(task.data.subspan(at, tail.whole_bytes - at), chain);
    task.key->chain_single(tail.last, chain);
    std::memcpy(&bytes, chain.data(), sizeof bytes);
    chained = big_endian(bytes);
}

/// The longest first: lanes whose message is over lie behind those that go on. A few that are longer than all
/// others go on alone.
void retail_macs_in_lanes(LaneTasks tasks) {
    std::array<Tail, des_lanes_max> tails;
    for (std::size_t i = 0; i < tasks.size(); ++i) tails[i] = padded_tail(tasks[i]->data, tasks[i]->padding);
    LaneRows blocks;
    LaneBlocks chain;
    const LaneKeys inner = lane_keys(tasks, 0);
    std::size_t active = tasks.size(), at = 0;
    for (; active >= macs_together_min; at += 8) {
        for (std::size_t i = 0; i < active; ++i) {
            const bool last = at >= tails[i].whole_bytes;
            std::memcpy(&blocks[i], last ? tails[i].last.data() : &tasks[i]->data[at], sizeof blocks[i]);
            blocks[i] = big_endian(blocks[i]);
        }
        LaneBlocks next;
        next.load(std::span(blocks).first(active));
        next ^= chain;
        inner.encrypt(next);
        chain.take(next, first_lanes(active));
        while (active > 0 && at >= tails[active - 1].whole_bytes) --active;
    }
    if (active > 0) {
        const std::span<std::uint64_t> chained = std::span(blocks).first(tasks.size());
        chain.store(chained);
        for (std::size_t i = 0; i < active; ++i) chain_rest(*tasks[i], tails[i], at, chained[i]);
        chain.load(chained);
    }
    lane_keys(tasks, 1).decrypt(chain);
    lane_keys(tasks, 2).encrypt(chain);
    chain.store(std::span(blocks).first(tasks.size()));
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        blocks[i] = big_endian(blocks[i]);
        std::memcpy(tasks[i]->mac.data(), &blocks[i], sizeof blocks[i]);
    }
}

}  // namespace

void retail_macs(std::span<MacTask> tasks) {
    const auto whole_bytes = [](const MacTask* t) { return padded_tail(t->data, t->padding).whole_bytes; };
    std::array<MacTask*, des_lanes_max> group;
    while (!tasks.empty()) {
        const std::size_t count = std::min(tasks.size(), des_lanes_max);
        for (std::size_t i = 0; i < count; ++i) group[i] = &tasks[i];
        const std::span<MacTask*> lanes = std::span(group).first(count);
        if (count >= macs_together_min) {
            std::sort(lanes.begin(), lanes.end(),
                      [&](const MacTask* a, const MacTask* b) { return whole_bytes(a) > whole_bytes(b); });
            retail_macs_in_lanes(lanes);
        } else {
            for (MacTask* t : lanes) t->mac = retail_mac(*t->key, t->data, t->padding);
        }
        tasks = tasks.subspan(count);
    }
}

}  // namespace hsm
