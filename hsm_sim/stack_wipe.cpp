#include "hsm_sim/stack_wipe.hpp"

#include <array>
#include <cstdint>

#include "iso8583/values/bytes.hpp"

namespace hsm {

[[gnu::noinline]] void wipe_stack_below() {
    std::array<std::uint8_t, stack_wiped_bytes> below{};
    iso8583::zeroise(below.data(), below.size());
}

}  // namespace hsm
