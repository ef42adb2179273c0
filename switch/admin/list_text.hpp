// What people see of a list's answer beside its rows: its end. Pure.
#pragma once

#include <string>

#include "switch/core/view_value.hpp"

namespace acquirer::admin {

/// A list's answer without the words that are for programs; anything else as it is.
View without_list_words(const View& view);
/// "cut here: go on with --after CURSOR", with its newline; empty when the list is whole, or it is no list.
std::string list_end_line(const View& view);

}  // namespace acquirer::admin
