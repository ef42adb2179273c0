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
            return fmt::format("{} bytes left over after the last {}", e.found,
                               e.field == 0 ? "field" : "subfield");
        case Kind::bad_mti:
            return "4 digits needed";
        case Kind::bad_bitmap:
            return "no bitmap of its encoding";
        case Kind::lying_bitmap:
            return fmt::format("announces {}{}, which the dialect does not have", e.field == 1 ? "DE" : "",
                               e.path);
        case Kind::bad_length:
            return fmt::format("the length prefix of {} bytes is no number of its encoding", e.needed);
        case Kind::lying_length:
            return fmt::format("the length says {} bytes, {} there", e.needed, e.found);
        case Kind::over_long:
            return fmt::format("length {}{}{}, at most {} allowed", e.found, e.unit.empty() ? "" : " ",
                               e.unit, e.needed);
        case Kind::under_long:
            return fmt::format("length {}{}{}, at least {} needed", e.found, e.unit.empty() ? "" : " ",
                               e.unit, e.needed);
        case Kind::bad_character:
            return fmt::format("{} needed, {} there", e.class_needed, e.class_there);
        case Kind::unknown_field:
            return "the dialect does not have this field";
        case Kind::message_too_long:
            return fmt::format("a message of {} bytes, at most {} allowed", e.found, e.needed);
    }
    return {};
}
}  // namespace

std::string_view name_of(CodecError::Kind kind) {
    using Kind = CodecError::Kind;
    switch (kind) {
        case Kind::truncated:
            return "truncated";
        case Kind::trailing_bytes:
            return "trailing-bytes";
        case Kind::bad_mti:
            return "bad-mti";
        case Kind::bad_bitmap:
            return "bad-bitmap";
        case Kind::lying_bitmap:
            return "lying-bitmap";
        case Kind::bad_length:
            return "bad-length";
        case Kind::lying_length:
            return "lying-length";
        case Kind::over_long:
            return "over-long";
        case Kind::under_long:
            return "under-long";
        case Kind::bad_character:
            return "bad-character";
        case Kind::unknown_field:
            return "unknown-field";
        case Kind::message_too_long:
            return "message-too-long";
    }
    return {};
}

CodecError CodecError::inside(Kind kind, std::string path, std::size_t offset, std::size_t needed,
                              std::size_t found, std::string name) {
    return {.kind = kind,
            .field = 0,
            .path = std::move(path),
            .name = std::move(name),
            .offset = offset,
            .needed = needed,
            .found = found};
}

std::string CodecError::str() const {
    if (kind == Kind::message_too_long || (kind == Kind::trailing_bytes && field == 0))
        return fmt::format("message at offset {}: {}", offset, reason(*this));
    if (field == 0) return fmt::format("MTI at offset {}: {}", offset, reason(*this));
    if (field == 1) return fmt::format("bitmap at offset {}: {}", offset, reason(*this));
    const std::string where = path.empty() ? std::to_string(field) : path;
    return fmt::format("DE{}{}{} at offset {}: {}", where, name.empty() ? "" : " ", name, offset,
                       reason(*this));
}

}  // namespace iso8583
