// Hashes for tables in memory: by words of eight bytes, with a multiplication each. They tell apart, they do
// not protect, and they are no format: of the same program only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace iso8583 {

class WordHasher {
  public:
    constexpr void add(std::uint64_t word) {
        hash_ = (hash_ ^ word) * odd;
        hash_ ^= hash_ >> 32;
    }
    /// What differs in the last characters alone has moved no low bit by then.
    [[nodiscard]] constexpr std::size_t spread() const {
        const std::uint64_t h = hash_ * odd;
        return h ^ (h >> 32);
    }

  private:
    static constexpr std::uint64_t odd = 0x9E3779B97F4A7C15ULL;  // 2^64 over the golden ratio
    std::uint64_t hash_ = 0;
};

inline std::size_t word_hash(std::string_view text) {
    constexpr std::size_t word_bytes = sizeof(std::uint64_t);
    WordHasher hasher;
    hasher.add(text.size());
    std::uint64_t word = 0;
    std::size_t at = 0;
    for (; at + word_bytes <= text.size(); at += word_bytes) {
        std::memcpy(&word, text.data() + at, word_bytes);
        hasher.add(word);
    }
    if (at == text.size()) return hasher.spread();
    // What is left over: the last eight bytes, of which some were seen, or all of a short text.
    if (text.size() >= word_bytes) {
        std::memcpy(&word, text.data() + text.size() - word_bytes, word_bytes);
    } else {
        word = 0;
        for (const char c : text) word = (word << 8) | static_cast<std::uint8_t>(c);
    }
    hasher.add(word);
    return hasher.spread();
}

/// For std::unordered_map and -set; looks up by any text.
struct WordHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return word_hash(text); }
};

}  // namespace iso8583
