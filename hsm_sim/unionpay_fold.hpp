// The first half of the UnionPay "ECB" MAC (wire.md): XOR of all 8-byte blocks, zero-padded, as upper-case
// hex.
//
// The 16 ASCII hex characters of R are what the second half signs; a payShield makes the same MAC by
// algorithm 1 (M6, size 0, padding 1) over these characters. Empty data folds to sixteen '0'.
#pragma once

#include <array>
#include <cstdint>

#include "iso8583/values/bytes.hpp"

namespace hsm {

std::array<std::uint8_t, 16> unionpay_fold(iso8583::ByteView data);

}  // namespace hsm
