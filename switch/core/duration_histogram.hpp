// DurationHistogram: counts durations in fixed steps, from 50 µs to a minute, and one step for what is
// longer. A value; the shell's thread writes it, copies are read anywhere.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace acquirer {

class DurationHistogram {
  public:
    /// Upper bounds in microseconds, inclusive.
    static constexpr std::array<std::int64_t, 19> bounds_us{
        50,      100,     200,     500,       1'000,     2'000,     5'000,      10'000,     20'000,    50'000,
        100'000, 200'000, 500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};
    using Counts = std::array<std::uint64_t, bounds_us.size() + 1>;

    void add_us(std::int64_t us) {
        std::size_t step = 0;
        while (step < bounds_us.size() && us > bounds_us[step]) ++step;
        ++counts_[step];
        sum_us_ += us;
    }
    void add(const DurationHistogram& other) {
        for (std::size_t step = 0; step < counts_.size(); ++step) counts_[step] += other.counts_[step];
        sum_us_ += other.sum_us_;
    }
    [[nodiscard]] const Counts& counts() const { return counts_; }
    [[nodiscard]] std::int64_t sum_us() const { return sum_us_; }

  private:
    Counts counts_{};
    std::int64_t sum_us_ = 0;
};

/// The duration that this fraction (0…1) of the counted ones does not exceed, in microseconds: a place in its
/// step, as if all in a step were evenly spread; what is longer than the longest bound counts as that bound.
/// Nothing when nothing was counted.
inline std::optional<std::int64_t> percentile_us(const DurationHistogram::Counts& counts, double fraction) {
    std::uint64_t all = 0;
    for (const std::uint64_t n : counts) all += n;
    if (all == 0) return std::nullopt;
    const double wanted = fraction * static_cast<double>(all);
    double before = 0;
    std::int64_t from_us = 0;
    for (std::size_t i = 0; i < DurationHistogram::bounds_us.size(); ++i) {
        const auto here = static_cast<double>(counts[i]);
        const std::int64_t to_us = DurationHistogram::bounds_us[i];
        if (here > 0 && before + here >= wanted)
            return from_us + static_cast<std::int64_t>(static_cast<double>(to_us - from_us) *
                                                       ((wanted - before) / here));
        before += here;
        from_us = to_us;
    }
    return DurationHistogram::bounds_us.back();
}

}  // namespace acquirer
