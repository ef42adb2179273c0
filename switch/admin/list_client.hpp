// refundctl's end of a list (docs/refundctl.md, "Lists"): goes on behind its cursors, over one connection,
// until what was asked for is there; or writes all of it to a file, page by page from one snapshot.
//
// Thread: the caller's; blocks. Errors: in the answer, as the switch's own are.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "switch/admin/control_protocol.hpp"
#include "switch/admin/row_file.hpp"

namespace acquirer::admin {

/// One line to the switch and its answer, on the same connection each time. An error: it cannot be reached.
using AskSwitch = std::function<iso8583::Result<std::string>(std::string_view line)>;

/// Nothing when there is none.
const View* rows_of(const View& list_answer);
/// The cursor of a list that is cut; empty when it is not.
std::string next_of(const View& list_answer);

/// An answer, and the line that it came as.
struct ListAnswered {
    Answer answer;
    std::string line;
};
/// A list that found less than its limit in what one answer may read goes on by itself.
ListAnswered ask_for_list(const AskSwitch& ask, Request request);

/// Of one answer: what it takes to write and read it is shorter than what a scheduler lets run at a stretch,
/// so that the traffic of a small machine waits for no more.
inline constexpr std::uint64_t export_page_rows = 100;
inline constexpr std::uint64_t exported_rows_max = 1'000'000'000;
struct ExportJob {
    std::string path;  // "-": stdout
    RowFormat format = RowFormat::csv;
    std::uint64_t rows_max = exported_rows_max;
};
/// For the process that exports, until it ends: reading and writing rows is work for a processor that the
/// switch may want, and idle work leaves it at once. It holds nothing that the switch waits for.
void give_way();
/// `data`: `file rows cut`, and `next` when it is cut. To stdout goes nothing but the rows.
Answer export_list(const AskSwitch& ask, Request request, const ExportJob& job);

}  // namespace acquirer::admin
