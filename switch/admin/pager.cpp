#include "switch/admin/pager.hpp"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace acquirer::admin {
namespace {

void write_out(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

/// False when there is no such program.
bool page(const std::string& pager, const std::string& text) {
    ::setenv("LESS", "FRX", 0);
    std::fflush(stdout);
    // Whoever quits before the end has read enough.
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    std::FILE* pipe = ::popen(pager.c_str(), "w");
    if (pipe == nullptr) return false;
    std::fwrite(text.data(), 1, text.size(), pipe);
    const int ended = ::pclose(pipe);
    std::signal(SIGPIPE, before);
    constexpr int no_such_program = 127;
    return !(WIFEXITED(ended) && WEXITSTATUS(ended) == no_such_program);
}

}  // namespace

TerminalSize terminal_size() {
    winsize size{};
    if (::isatty(STDOUT_FILENO) != 1 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
    return {size.ws_row, size.ws_col};
}

void show_text(const std::string& text) {
    const TerminalSize terminal = terminal_size();
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    const char* asked = std::getenv("PAGER");
    const std::string pager = asked != nullptr ? asked : "less";
    if (terminal.rows == 0 || lines < terminal.rows || pager.empty() || !page(pager, text)) write_out(text);
}

}  // namespace acquirer::admin
