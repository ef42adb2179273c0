// Hex as people have it: plain, with blanks, colons or 0x; the dumps of xxd, hexdump -C, od -tx1 and
// Wireshark, with their offsets checked and the lines they leave out put back.
#pragma once

#include <string_view>

#include "iso8583/values/bytes.hpp"

namespace iso8583::tools {

/// The bytes. Errors name line and column, or the offset that does not fit, and never the text.
Result<Bytes> parse_hex_text(std::string_view text);

}  // namespace iso8583::tools
