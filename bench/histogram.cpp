#include "bench/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bench {

namespace {
constexpr std::uint64_t steps = std::uint64_t{1} << Histogram::steps_log2;
constexpr std::uint64_t value_max = (std::uint64_t{1} << Histogram::value_bits_max) - 1;
}  // namespace

std::size_t Histogram::bucket_of(std::uint64_t ns) {
    if (ns < steps) return ns;
    const int exponent = static_cast<int>(std::bit_width(ns)) - 1;
    const std::uint64_t mantissa = (ns >> (exponent - steps_log2)) & (steps - 1);
    return static_cast<std::size_t>(exponent - steps_log2 + 1) * steps + mantissa;
}

std::uint64_t Histogram::greatest_in(std::size_t bucket) {
    if (bucket < steps) return bucket;
    const int shift = static_cast<int>(bucket / steps) - 1;
    return ((steps + bucket % steps + 1) << shift) - 1;
}

void Histogram::record(std::uint64_t ns) {
    ns = std::min(ns, value_max);
    ++counts_[bucket_of(ns)];
    ++count_;
    min_ = std::min(min_, ns);
    max_ = std::max(max_, ns);
    sum_ += static_cast<double>(ns);
}

void Histogram::merge(const Histogram& other) {
    for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
}

std::uint64_t Histogram::percentile_ns(double fraction) const {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
    const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        seen += counts_[i];
        if (seen >= rank) return std::min(greatest_in(i), max_);
    }
    return max_;
}

double Histogram::deviation_ns() const {
    if (count_ == 0) return 0;
    const double mean = mean_ns();
    double squares = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        if (counts_[i] == 0) continue;
        const double least = i == 0 ? 0 : static_cast<double>(greatest_in(i - 1)) + 1;
        const double off = (least + static_cast<double>(greatest_in(i))) / 2 - mean;
        squares += off * off * static_cast<double>(counts_[i]);
    }
    return std::sqrt(squares / static_cast<double>(count_));
}

std::uint64_t Histogram::count_up_to(std::uint64_t ns) const {
    const std::size_t last = bucket_of(std::min(ns, value_max));
    std::uint64_t n = 0;
    for (std::size_t i = 0; i <= last; ++i) n += counts_[i];
    return n;
}

}  // namespace bench
