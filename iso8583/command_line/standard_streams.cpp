#include "iso8583/command_line/standard_streams.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace command_line {
namespace {

std::array<char, 64> program_name{};

/// Opened the other way round: reading what is written into, and writing what is read from.
void hold_closed_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF)
            static_cast<void>(::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY));
}

/// Whoever reads no further (head, a pager, the parent of a server) knows that himself.
bool is_read_by_another() {
    struct stat what {};
    return ::fstat(STDOUT_FILENO, &what) == 0 && (S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode));
}

void judge_stdout(int code, void*) {
    errno = 0;
    const bool streamed = std::cout.flush().good();  // which has a buffer of its own where a program wants it
    const bool failed_before = !streamed || std::ferror(stdout) != 0;
    const bool flushed = std::fflush(stdout) == 0;
    const int why = errno;
    if ((flushed && !failed_before) || code != 0 || is_read_by_another()) return;
    std::fprintf(stderr, "%s: what was to be printed could not be written%s%s\n", program_name.data(),
                 why == 0 ? "" : ": ", why == 0 ? "" : std::strerror(why));
    // exit() is under way, and cannot be called again.
    std::_Exit(exit_not_printed);
}

}  // namespace

void guard_standard_streams(std::string_view program) {
    std::snprintf(program_name.data(), program_name.size(), "%.*s", static_cast<int>(program.size()),
                  program.data());
    hold_closed_streams();
    ::on_exit(judge_stdout, nullptr);
}

}  // namespace command_line
