// A file of refunds cut into lines, out of pieces of so many bytes: for the test of LineCutter and its fuzz
// target.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switch/core/refund_lines.hpp"

namespace refund_lines {

struct Cut {
    std::vector<std::pair<std::uint32_t, std::string>> lines = {};  // number, text
    bool too_long = false;
    friend bool operator==(const Cut&, const Cut&) = default;
};

inline Cut cut(std::string_view text, std::size_t piece_bytes) {
    acquirer::LineCutter cutter;
    Cut out;
    const auto take = [&] {
        while (const auto line = cutter.next()) out.lines.emplace_back(line->number, std::string(line->text));
    };
    for (std::size_t at = 0; at < text.size() && !cutter.is_too_long(); at += piece_bytes) {
        cutter.add(text.substr(at, piece_bytes));
        take();
    }
    cutter.end();
    take();
    out.too_long = cutter.is_too_long();
    return out;
}

}  // namespace refund_lines
