// A view for people: aligned facts and tables. Pure.
#pragma once

#include <string>

#include "switch/admin/table_text.hpp"
#include "switch/core/view_value.hpp"

namespace acquirer::admin {

/// Ends in a newline, unless there is nothing to show.
std::string text_of(const View& view, const TextOptions& options);

}  // namespace acquirer::admin
