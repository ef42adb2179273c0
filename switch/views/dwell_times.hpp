// DwellTimes: how long transactions stood in a state, counted in steps of a sixteenth of a power of two (at
// most 6.25 % above the truth), from a millisecond to years. Bounded; a value.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace acquirer {

class DwellTimes {
  public:
    void add_ms(std::int64_t ms) {
        const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms));
        ++counts_[step_of(value)];
        ++count_;
        longest_ms_ = std::max(longest_ms_, ms);
    }
    void add(const DwellTimes& more) {
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += more.counts_[i];
        count_ += more.count_;
        longest_ms_ = std::max(longest_ms_, more.longest_ms_);
    }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::int64_t longest_ms() const { return longest_ms_; }
    /// What this fraction (0…1) of them did not exceed; 0 when there are none.
    [[nodiscard]] std::int64_t percentile_ms(double fraction) const {
        const double wanted = fraction * static_cast<double>(count_);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (counts_[i] > 0 && static_cast<double>(seen) >= wanted)
                return std::min(longest_ms_, static_cast<std::int64_t>(upper_of(i)));
        }
        return longest_ms_;
    }

  private:
    static constexpr unsigned steps_log2 = 4;  // 16 to a power of two
    static constexpr unsigned bits_max = 38;   // 2^38 ms: more than 8 years
    static constexpr std::uint64_t steps = 1U << steps_log2;
    // Below `steps` each millisecond has a step of its own.
    static std::size_t step_of(std::uint64_t ms) {
        if (ms < steps) return static_cast<std::size_t>(ms);
        const auto bits = static_cast<unsigned>(std::bit_width(ms));
        if (bits > bits_max) return counts_size - 1;
        const unsigned shift = bits - 1 - steps_log2;
        return static_cast<std::size_t>((shift + 1) * steps + (ms >> shift) - steps);
    }
    static std::uint64_t upper_of(std::size_t step) {
        if (step < steps) return step;
        const std::uint64_t shift = step / steps - 1;
        return ((steps + step % steps + 1) << shift) - 1;
    }
    static constexpr std::size_t counts_size = (bits_max - steps_log2 + 1) * steps;

    std::array<std::uint32_t, counts_size> counts_{};
    std::uint64_t count_ = 0;
    std::int64_t longest_ms_ = 0;
};

}  // namespace acquirer
