#include "bench/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

using bench::Histogram;

TEST_CASE("Percentiles are within 1.6 % of the sorted values, and never too low") {
    std::mt19937_64 random(7);
    Histogram h;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 20'000; ++i) {
        // From nanoseconds to minutes, evenly over the magnitudes.
        const auto v = static_cast<std::uint64_t>(std::exp(std::uniform_real_distribution<>(0, 25)(random)));
        values.push_back(v);
        h.record(v);
    }
    std::sort(values.begin(), values.end());
    for (double fraction : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
        const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(fraction * 20'000)));
        const auto truth = static_cast<double>(values[rank - 1]);
        const auto said = static_cast<double>(h.percentile_ns(fraction));
        CAPTURE(fraction, truth, said);
        CHECK(said >= truth);
        CHECK(said <= truth * 1.016 + 1);
    }
    CHECK(h.max_ns() == values.back());
    CHECK(h.percentile_ns(1.0) == values.back());
    CHECK(h.count() == 20'000);
}

TEST_CASE("Small values are exact, the largest is capped, merging adds up") {
    Histogram a, b;
    for (std::uint64_t v = 0; v < 64; ++v) a.record(v);
    CHECK(a.percentile_ns(0.5) == 31);
    b.record(~0ULL);
    CHECK(b.max_ns() == (1ULL << Histogram::value_bits_max) - 1);
    a.merge(b);
    CHECK(a.count() == 65);
    CHECK(a.percentile_ns(1.0) == b.max_ns());
    CHECK(Histogram{}.percentile_ns(0.99) == 0);
}
