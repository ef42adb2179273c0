// Chance comes in through this: OpenSSL in a main, seeded in the simulator (docs/architecture.md).
#pragma once

#include <cstdint>
#include <span>

namespace iso8583 {

class RandomSource {
  public:
    virtual ~RandomSource() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;
};

}  // namespace iso8583
