#include "iso8583/mti.hpp"

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/decimal_text.hpp"

namespace iso8583 {

Result<Mti> Mti::parse(std::string_view text) {
    if (text.size() != 4 || !all_digits(text)) return parse_error("MTI: 4 digits are needed");
    int v = 0;
    for (char c : text) v = v * 10 + (c - '0');
    return of(v);
}

std::string Mti::str() const { return zero_padded(static_cast<std::uint64_t>(value_), 4); }

}  // namespace iso8583
