#include <fmt/format.h>

#include "iso8583/codec.hpp"

namespace iso8583 {

namespace {
std::string reason(const CodecError& e) {
    using Kind = CodecError::Kind;
    switch (e.kind) {
        case Kind::truncated:
            return fmt::format("{} bytes needed, {} there", e.needed, e.found);
        case Kind::trailing_bytes:
            return fmt::format("{} bytes left over after the last field", e.found);
        case Kind::bad_mti:
            return "4 digits needed";
        case Kind::bad_bitmap:
            return e.path.empty() ? std::string("no bitmap of its encoding")
                                  : fmt::format("announces DE{}, which the dialect does not have", e.path);
        case Kind::bad_length:
            return "the length prefix is no number";
        case Kind::over_long:
            return fmt::format("length {}, at most {} allowed", e.found, e.needed);
        case Kind::under_long:
            return fmt::format("length {}, at least {} needed", e.found, e.needed);
        case Kind::bad_character:
            return "a character outside the field's class";
        case Kind::unknown_field:
            return "the dialect does not have this field";
        case Kind::message_too_long:
            return fmt::format("a message of {} bytes, at most {} allowed", e.found, e.needed);
    }
    return {};
}
}  // namespace

std::string CodecError::str() const {
    if (kind == Kind::message_too_long || kind == Kind::trailing_bytes)
        return fmt::format("message at offset {}: {}", offset, reason(*this));
    if (field == 0) return fmt::format("MTI at offset {}: {}", offset, reason(*this));
    if (field == 1) return fmt::format("bitmap at offset {}: {}", offset, reason(*this));
    const std::string where = path.empty() ? std::to_string(field) : path;
    return fmt::format("DE{}{}{} at offset {}: {}", where, name.empty() ? "" : " ", name, offset,
                       reason(*this));
}

}  // namespace iso8583
