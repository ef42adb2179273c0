// FieldSet: a set of data element numbers, laid out as the bitmaps of a message are: bit 63 − k of word w
// stands for field 64 w + k + 1.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "iso8583/field.hpp"

namespace iso8583 {

namespace detail {
/// Bit 63 − k becomes bit k. Lowest-bit-first loops are the cheap ones: x & (x − 1) has no shift in its
/// chain.
constexpr std::uint64_t reversed_bits(std::uint64_t v) {
    v = (v & 0x5555555555555555) << 1 | (v >> 1 & 0x5555555555555555);
    v = (v & 0x3333333333333333) << 2 | (v >> 2 & 0x3333333333333333);
    v = (v & 0x0F0F0F0F0F0F0F0F) << 4 | (v >> 4 & 0x0F0F0F0F0F0F0F0F);
    return __builtin_bswap64(v);
}
}  // namespace detail

class FieldSet {
  public:
    static constexpr std::size_t words = 3;
    [[nodiscard]] constexpr bool has(int n) const { return (words_[word(n)] & bit(n)) != 0; }
    constexpr void add(int n) { words_[word(n)] |= bit(n); }
    constexpr void remove(int n) { words_[word(n)] &= ~bit(n); }
    constexpr void clear() { words_ = {}; }
    [[nodiscard]] constexpr std::size_t size() const {
        std::size_t fields = 0;
        for (const auto word : words_) fields += static_cast<std::size_t>(std::popcount(word));
        return fields;
    }
    [[nodiscard]] constexpr std::uint64_t& operator[](std::size_t w) { return words_[w]; }
    [[nodiscard]] constexpr std::uint64_t operator[](std::size_t w) const { return words_[w]; }
    friend constexpr bool operator==(const FieldSet&, const FieldSet&) = default;

    /// Calls visit(int number), ascending.
    template <typename Visitor>
    constexpr void for_each(Visitor&& visit) const {
        for (std::size_t w = 0; w < words; ++w)
            for (std::uint64_t rest = detail::reversed_bits(words_[w]); rest != 0; rest &= rest - 1)
                visit(static_cast<int>(w) * 64 + std::countr_zero(rest) + 1);
    }

  private:
    static constexpr std::size_t word(int n) { return static_cast<std::size_t>(n - 1) / 64; }
    static constexpr std::uint64_t bit(int n) {
        return std::uint64_t{1} << (63 - static_cast<unsigned>(n - 1) % 64);
    }
    std::array<std::uint64_t, words> words_{};
};
static_assert(field_number_max == 64 * FieldSet::words);

}  // namespace iso8583
