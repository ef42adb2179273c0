// Text for a person: to a terminal, and through a pager when it is longer than that; anywhere else as it is.
// Thread: the caller's; blocks while the pager is read.
#pragma once

#include <cstddef>
#include <string>

namespace acquirer::admin {

/// To stdout. The pager is $PAGER, or `less` (with LESS=FRX when it says nothing else); empty: none.
void show_text(const std::string& text);

/// Of the terminal that stdout is; 0 when it is none.
struct TerminalSize {
    std::size_t rows = 0, columns = 0;
};
TerminalSize terminal_size();

}  // namespace acquirer::admin
