#include "bench/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <sstream>

#include <cmath>
#include <random>
#include <vector>
#include "bench/histogram_text.hpp"

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

TEST_CASE("HdrHistogram's text: values rise, counts end at the total, the foot has mean and longest") {
    bench::Histogram h;
    for (std::uint64_t ms = 1; ms <= 1'000; ++ms) h.record(ms * 1'000'000);
    std::istringstream in(bench::to_hgrm(h));
    std::string line;
    std::getline(in, line);
    CHECK(line == "       Value     Percentile TotalCount 1/(1-Percentile)");
    std::getline(in, line);
    CHECK(line.empty());
    double value = 0, percentile = 0, before = -1, at = -1;
    std::uint64_t count = 0, lines = 0;
    while (std::getline(in, line) && line[0] != '#') {
        std::istringstream fields(line);
        REQUIRE(fields >> value >> percentile >> count);
        CHECK(value > before);
        CHECK(percentile > at);
        CHECK(static_cast<double>(count) >= percentile * 1'000);
        before = value;
        at = percentile;
        ++lines;
    }
    CHECK(lines > 20);
    CHECK(value == 1'000);
    CHECK(percentile == 1);
    CHECK(count == 1'000);
    double mean = 0, deviation = 0;
    REQUIRE(std::sscanf(line.c_str(), "#[Mean = %lf, StdDeviation = %lf]", &mean, &deviation) == 2);
    CHECK(mean == Approx(500.5));
    CHECK(deviation == Approx(288.675).epsilon(0.001));
    std::getline(in, line);
    CHECK(line.find("Total count    =         1000]") != std::string::npos);
    CHECK(bench::to_hgrm(bench::Histogram()).find("Total count    =            0]") != std::string::npos);
}
