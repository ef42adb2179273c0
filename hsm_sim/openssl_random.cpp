#include "hsm_sim/openssl_random.hpp"

#include <openssl/rand.h>

#include <limits>

#include "iso8583/values/ensure.hpp"

namespace hsm {

void OpensslRandom::fill(std::span<std::uint8_t> out) {
    if (out.empty()) return;
    ENSURE(out.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    ENSURE(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

}  // namespace hsm
