// A view for people: aligned facts and tables. Pure.
#pragma once

#include <string>

#include "switch/core/view_value.hpp"

namespace acquirer::admin {

struct TextOptions {
    bool color = false;  // headings bold
};
/// Ends in a newline, unless there is nothing to show.
std::string text_of(const View& view, const TextOptions& options);
/// Columns a terminal needs for it: wide East Asian characters take two.
std::size_t width_of(std::string_view utf8);

}  // namespace acquirer::admin
