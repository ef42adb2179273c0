// CRC-32C (Castagnoli), the checksum of stored records. Source: RFC 3720, appendix B.4.
#pragma once

#include <cstdint>

#include "iso8583/values/bytes.hpp"

namespace ledger {

/// Of `bytes`; to go on over several pieces pass the sum so far.
[[nodiscard]] std::uint32_t crc32c(iso8583::ByteView bytes, std::uint32_t so_far = 0);

}  // namespace ledger
