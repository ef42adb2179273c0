// A text of several parts, as keys and names have them: made in one piece of the right size.
#pragma once

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>

namespace iso8583 {

inline std::string joined(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts) size += part.size();
    std::string out(size, '\0');
    char* at = out.data();
    for (const std::string_view part : parts) {
        if (part.empty()) continue;
        std::memcpy(at, part.data(), part.size());
        at += part.size();
    }
    return out;
}

}  // namespace iso8583
