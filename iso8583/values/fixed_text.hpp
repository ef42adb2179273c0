// FixedText<N>: up to N characters held inline; the storage of all identifiers. Regular value type, ordered
// by content, no allocation. Compared and hashed by whole words: behind the content stand zeros and, last,
// its size, so that the words of two texts read as big-endian numbers order as their contents do.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/word_hash.hpp"

namespace iso8583 {

template <std::size_t N>
class FixedText {
    static_assert(N > 0 && N < 256);
    using Word = std::conditional_t<N + 1 <= sizeof(std::uint32_t), std::uint32_t, std::uint64_t>;
    static constexpr std::size_t words = (N + sizeof(Word)) / sizeof(Word);

  public:
    static constexpr std::size_t size_max = N;

    constexpr FixedText() = default;
    explicit FixedText(std::string_view text) {
        ENSURE(text.size() <= N);
        if (!text.empty()) std::memcpy(bytes_.data(), text.data(), text.size());
        bytes_.back() = static_cast<char>(text.size());
    }

    [[nodiscard]] std::string_view view() const { return {bytes_.data(), size()}; }
    [[nodiscard]] std::string str() const { return std::string(view()); }
    [[nodiscard]] bool empty() const { return bytes_.back() == 0; }
    [[nodiscard]] std::size_t size() const { return static_cast<std::uint8_t>(bytes_.back()); }
    [[nodiscard]] std::size_t hash() const {
        WordHasher hasher;
        for (std::size_t i = 0; i < words; ++i) hasher.add(word(i));
        return hasher.spread();
    }

    friend bool operator==(const FixedText& a, const FixedText& b) {
        Word differ = 0;
        for (std::size_t i = 0; i < words; ++i) differ |= a.word(i) ^ b.word(i);
        return differ == 0;
    }
    friend std::strong_ordering operator<=>(const FixedText& a, const FixedText& b) {
        for (std::size_t i = 0; i + 1 < words; ++i)
            if (a.word(i) != b.word(i)) return number(a.word(i)) <=> number(b.word(i));
        return number(a.word(words - 1)) <=> number(b.word(words - 1));
    }

  private:
    [[nodiscard]] Word word(std::size_t i) const {
        Word w = 0;
        std::memcpy(&w, bytes_.data() + i * sizeof(Word), sizeof(Word));
        return w;
    }
    /// As a big-endian one.
    static Word number(Word w) {
        static_assert(std::endian::native == std::endian::little);
        if constexpr (sizeof(Word) == sizeof(std::uint32_t))
            return __builtin_bswap32(w);
        else
            return __builtin_bswap64(w);
    }

    std::array<char, words * sizeof(Word)> bytes_{};
};

/// For tables in memory that nobody walks in order.
struct FixedTextHash {
    template <std::size_t N>
    std::size_t operator()(const FixedText<N>& text) const {
        return text.hash();
    }
};

}  // namespace iso8583
