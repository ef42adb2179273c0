// FixedText<N>: up to N characters held inline; the storage of all identifiers. Regular value type, ordered
// by content, no allocation.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "iso8583/values/ensure.hpp"

namespace iso8583 {

template <std::size_t N>
class FixedText {
    static_assert(N < 256);

  public:
    static constexpr std::size_t size_max = N;

    constexpr FixedText() = default;
    explicit FixedText(std::string_view text) : size_(static_cast<std::uint8_t>(text.size())) {
        ENSURE(text.size() <= N);
        if (!text.empty()) std::memcpy(chars_.data(), text.data(), text.size());
    }

    [[nodiscard]] std::string_view view() const { return {chars_.data(), size_}; }
    [[nodiscard]] std::string str() const { return std::string(view()); }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }

    friend bool operator==(const FixedText& a, const FixedText& b) { return a.view() == b.view(); }
    friend std::strong_ordering operator<=>(const FixedText& a, const FixedText& b) {
        const int c = a.view().compare(b.view());
        return c < 0   ? std::strong_ordering::less
               : c > 0 ? std::strong_ordering::greater
                       : std::strong_ordering::equal;
    }

  private:
    std::array<char, N == 0 ? 1 : N> chars_{};
    std::uint8_t size_ = 0;
};

}  // namespace iso8583
