// A report as one self-contained HTML page: what it covers, what it found in a sentence, plots, then the
// tables. Made of the answer that refundctl shows, so that page, table and JSON say the same. Pure.
#pragma once

#include <string>

#include "switch/core/view_value.hpp"

namespace acquirer::admin {

/// `data` is the answer of a report command, `command` how it was asked for ("refundctl report ratio …").
/// Nothing of another command's answer is known to it: such a page has facts and tables alone.
std::string report_page(const View& data, const std::string& command);

/// "350 ms", "12.4 s", "3 h 20 min", "4 d 2 h".
std::string duration_words(std::int64_t ms);

}  // namespace acquirer::admin
