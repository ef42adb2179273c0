// Rows of a view as an aligned table that fits its columns. What does not fit: times lose year and fractions
// of a second, columns without content go, long texts stand below their row, and then the columns that are
// needed least are left out, which the last line says. Pure.
#pragma once

#include <string>

#include "switch/core/view_value.hpp"

namespace acquirer::admin {

inline constexpr std::size_t table_columns = 100;

struct TextOptions {
    bool color = false;                   // headings bold, states in colours
    std::size_t columns = table_columns;  // 0: as wide as it is
};

/// `rows` is not empty and holds objects.
std::string table_text(const View::List& rows, const TextOptions& options);

/// "open_exceptions" → "open exceptions".
std::string spaced(std::string_view name);
std::string upper(std::string text);
/// What stands in a cell for a value.
std::string scalar_text(const View& view);
/// `text`, which `shown` stands for, in the colour of its state when `name` is that of a state.
std::string colored(std::string_view name, const std::string& text, std::string shown,
                    const TextOptions& options);
/// Columns a terminal needs for it: wide East Asian characters take two.
std::size_t width_of(std::string_view utf8);
std::string padded(const std::string& text, std::size_t width, bool right);

}  // namespace acquirer::admin
