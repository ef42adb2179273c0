// What a program prints reaches whoever reads it, or the program does not say that all went well: a full disk
// behind stdout is found at the program's end, when nothing else can be told any more.
//
// Thread: the one that calls exit().
#pragma once

#include <string_view>

namespace command_line {

inline constexpr int exit_not_printed = 1;

/// To be called once, before anything is opened. At exit() what stdout still holds is written; where that or
/// an earlier write failed, a program that would end with 0 says so on stderr and ends with exit_not_printed.
/// A reader at the other end of a pipe that has gone changes nothing. A standard stream that is closed is
/// held by /dev/null, so that no file of ours takes its number; what is printed into it fails.
void guard_standard_streams(std::string_view program);

}  // namespace command_line
