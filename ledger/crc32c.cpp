#include "ledger/crc32c.hpp"

#include <array>
#include <cstring>

namespace ledger {

namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
    constexpr std::uint32_t reflected_polynomial = 0x82F63B78;
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t sum = i;
        for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? reflected_polynomial : 0);
        table[i] = sum;
    }
    return table;
}
constexpr std::array<std::uint32_t, 256> table = make_table();

std::uint32_t update_by_table(std::uint32_t sum, iso8583::ByteView bytes) {
    for (const std::uint8_t b : bytes) sum = (sum >> 8) ^ table[(sum ^ b) & 0xFF];
    return sum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t update_by_instruction(std::uint32_t sum,
                                                                      iso8583::ByteView bytes) {
    std::uint64_t wide = sum;
    while (bytes.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
        bytes = bytes.subspan(8);
    }
    sum = static_cast<std::uint32_t>(wide);
    for (const std::uint8_t b : bytes) sum = __builtin_ia32_crc32qi(sum, b);
    return sum;
}
#endif

}  // namespace

std::uint32_t crc32c(iso8583::ByteView bytes, std::uint32_t so_far) {
    std::uint32_t sum = ~so_far;
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    sum = has_instruction ? update_by_instruction(sum, bytes) : update_by_table(sum, bytes);
#else
    sum = update_by_table(sum, bytes);
#endif
    return ~sum;
}

}  // namespace ledger
