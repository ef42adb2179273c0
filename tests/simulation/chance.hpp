// Chance of a simulated world: one seed, and everything follows. splitmix64; not for keys that protect
// anything.
#pragma once

#include <cstdint>
#include <vector>

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/random_source.hpp"

namespace simulation {

class Chance {
  public:
    explicit Chance(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}

    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    /// 0 … bound-1.
    std::uint32_t below(std::uint32_t bound) {
        ENSURE(bound > 0);
        return static_cast<std::uint32_t>(next() % bound);
    }
    /// Both included.
    std::int64_t between(std::int64_t least, std::int64_t most) {
        ENSURE(least <= most);
        return least + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most - least + 1));
    }
    bool permille(std::uint32_t chances) { return chances > 0 && below(1'000) < chances; }
    template <typename T>
    const T& pick(const std::vector<T>& from) {
        return from[below(static_cast<std::uint32_t>(from.size()))];
    }
    /// A chance of its own, so that what one part of the world draws does not move the others.
    Chance split() { return Chance(next()); }

  private:
    std::uint64_t state_;
};

/// Key material of the simulated HSM: the same seed, the same keys.
class SeededRandom final : public iso8583::RandomSource {
  public:
    explicit SeededRandom(std::uint64_t seed) : chance_(seed) {}
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(chance_.next() >> 24);
    }

  private:
    Chance chance_;
};

}  // namespace simulation
