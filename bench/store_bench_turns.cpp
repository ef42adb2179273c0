#include "bench/store_bench_turns.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace bench {

namespace {

std::string key_of(char kind, std::uint64_t number) {
    std::string key(1, kind);
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>((number >> shift) & 0xFF));
    return key;
}

constexpr char sale_kind = 's', hashed_kind = 't';

}  // namespace

std::string bytes_of(std::size_t size, std::uint64_t seed) {
    // Eight at a time: what makes the turns has the same two cores as what is measured.
    std::string out(size, '\0');
    for (std::size_t at = 0; at < size; at += sizeof seed) {
        std::uint64_t v = (seed + at) * 0x9E3779B97F4A7C15;
        v ^= v >> 29;
        std::memcpy(out.data() + at, &v, std::min(sizeof v, size - at));
    }
    return out;
}

RefundTurns::RefundTurns()
    : refund_(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())) {}

ledger::Batch RefundTurns::next(std::uint32_t refunds, std::uint64_t turn) {
    using ledger::Family;
    ledger::Batch batch;
    batch.turn_number = turn;
    for (std::uint32_t i = 0; i < refunds; ++i) {
        const std::uint64_t n = ++refund_;
        batch.put(Family::journal, key_of('r', n), bytes_of(refund_bytes, n));
        batch.put(Family::journal, key_of('h', n), bytes_of(refund_bytes, n + 1));
        batch.put(Family::journal, key_of(sale_kind, n / 2), bytes_of(sale_bytes, n + 2));
        batch.put(Family::index, key_of(hashed_kind, n * 0x9E3779B97F4A7C15), bytes_of(index_bytes, n));
        batch.put(Family::index, key_of('o', n), bytes_of(index_bytes, n));
    }
    return batch;
}

bool RefundTurns::is_new(const ledger::Key& key) {
    return key.bytes.front() != sale_kind && key.bytes.front() != hashed_kind;
}

}  // namespace bench
