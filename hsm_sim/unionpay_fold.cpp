// Without OpenSSL, because the host-command codec folds on the client's side and must not link a crypto
// library.
#include "hsm_sim/unionpay_fold.hpp"

#include <cstring>

namespace hsm {

std::array<std::uint8_t, 16> unionpay_fold(iso8583::ByteView data) {
    std::uint64_t folded = 0;
    const std::size_t whole = data.size() / 8 * 8;
    for (std::size_t i = 0; i < whole; i += 8) {
        std::uint64_t block;
        std::memcpy(&block, &data[i], 8);
        folded ^= block;
    }
    if (whole < data.size()) {
        std::uint64_t block = 0;
        std::memcpy(&block, &data[whole], data.size() - whole);
        folded ^= block;
    }
    std::array<std::uint8_t, 8> r;
    std::memcpy(r.data(), &folded, 8);
    static constexpr char digits[] = "0123456789ABCDEF";
    std::array<std::uint8_t, 16> out;
    for (std::size_t i = 0; i < 8; ++i) {
        out[2 * i] = static_cast<std::uint8_t>(digits[r[i] >> 4]);
        out[2 * i + 1] = static_cast<std::uint8_t>(digits[r[i] & 0xF]);
    }
    return out;
}

}  // namespace hsm
