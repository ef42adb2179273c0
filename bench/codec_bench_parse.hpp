// A parse of the bench message written by hand for one dialect and one bitmap: what straight-line code can do
// at best with the same checks. Only a yardstick.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "iso8583/values/bytes.hpp"

namespace bench {

struct HandParsed {
    struct Part {
        std::uint16_t offset = 0;
        std::uint16_t bytes = 0;
    };
    int mti = 0;
    std::array<Part, 16> fields{};
};

/// False when the bytes are not the bench message, or the dialect has no such parse.
bool parse_by_hand(std::string_view dialect, iso8583::ByteView body, HandParsed& out);

}  // namespace bench
