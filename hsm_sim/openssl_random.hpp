// The RandomSource of mains: OpenSSL's generator of the process, which reseeds itself from the kernel.
#pragma once

#include "iso8583/values/random_source.hpp"

namespace hsm {

class OpensslRandom final : public iso8583::RandomSource {
  public:
    /// Ends the process when the generator fails: nothing may go on with predictable keys.
    void fill(std::span<std::uint8_t> out) override;
};

}  // namespace hsm
