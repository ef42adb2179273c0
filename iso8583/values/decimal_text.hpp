// Numbers as fixed places of a message, a key or an identifier have them: decimal digits with zeros before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace iso8583 {

/// "000042" of 42 and 6. A number of more digits than that has all of them: whoever has no room for it asks
/// beforehand.
inline std::string zero_padded(std::uint64_t number, std::size_t digits) {
    std::string out(digits, '0');
    char* at = out.data() + digits;
    std::uint64_t rest = number;
    for (; rest != 0 && at != out.data(); rest /= 10) *--at = static_cast<char>('0' + rest % 10);
    return rest == 0 ? out : std::to_string(number);
}

}  // namespace iso8583
