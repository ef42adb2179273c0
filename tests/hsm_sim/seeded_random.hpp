// A random source that gives the same bytes for the same seed (splitmix64). For tests only: it is no cipher.
#pragma once

#include "iso8583/values/random_source.hpp"

namespace hsm::testing {

class SeededRandom final : public iso8583::RandomSource {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& b : out) {
            state_ += 0x9E3779B97F4A7C15;
            std::uint64_t z = state_;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            b = static_cast<std::uint8_t>(z >> 56);
        }
    }

  private:
    std::uint64_t state_;
};

}  // namespace hsm::testing
