// Histogram: how long things took, in logarithmic buckets with 64 steps per power of two (within 1.6 % of the
// truth), from 1 ns to 18 minutes. Fixed size, no allocation while recording. A value; one thread, merged
// afterwards.
#pragma once

#include <array>
#include <cstdint>

namespace bench {

class Histogram {
  public:
    static constexpr int steps_log2 = 6;
    static constexpr int value_bits_max = 40;
    static constexpr std::size_t buckets = (value_bits_max - steps_log2 + 2) * (std::size_t{1} << steps_log2);

    /// Longer than the longest is counted as the longest.
    void record(std::uint64_t ns);
    void merge(const Histogram& other);
    void clear() { *this = {}; }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// 0 when there is none.
    [[nodiscard]] std::uint64_t min_ns() const { return count_ == 0 ? 0 : min_; }
    [[nodiscard]] std::uint64_t max_ns() const { return max_; }
    [[nodiscard]] double mean_ns() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
    /// Standard deviation, of the buckets' middles.
    [[nodiscard]] double deviation_ns() const;
    /// How many were not longer, within the width of a bucket.
    [[nodiscard]] std::uint64_t count_up_to(std::uint64_t ns) const;
    /// The value that `fraction` of all do not exceed (0.99 is the 99th percentile); 0 when there is none.
    [[nodiscard]] std::uint64_t percentile_ns(double fraction) const;

  private:
    static std::size_t bucket_of(std::uint64_t ns);
    static std::uint64_t greatest_in(std::size_t bucket);
    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t min_ = ~std::uint64_t{0}, max_ = 0;
    double sum_ = 0;
};

}  // namespace bench
