#include "tests/demo/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace demo {
namespace {

using iso8583::parse_error;
using iso8583::Result;

std::vector<char*> pointers(const std::vector<std::string>& argv) {
    std::vector<char*> out;
    for (const std::string& word : argv) out.push_back(const_cast<char*>(word.c_str()));
    out.push_back(nullptr);
    return out;
}

/// In the child: stdout to `out`, stderr to `err`, stdin from nowhere, and the program. Never returns.
[[noreturn]] void become(const std::vector<std::string>& argv, int out, int err,
                         WhenParentEnds when_parent_ends) {
    if (when_parent_ends == WhenParentEnds::ends_too) prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv(argv[0].c_str(), pointers(argv).data());
    _exit(127);
}

/// The last lines of a log, for a failure at start.
std::string end_of(const std::string& log) {
    static constexpr std::size_t shown_max = 2000;
    std::ifstream in(log, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return text.size() > shown_max ? text.substr(text.size() - shown_max) : text;
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& argv, const std::string& log,
                                         WhenParentEnds when_parent_ends) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return parse_error("no pipe for " + argv[0]);
    const int err = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const pid_t child = fork();
    if (child == 0) become(argv, ends[1], err, when_parent_ends);
    close(ends[1]);
    if (err >= 0) close(err);
    ChildProcess process(child, ends[0], argv[0]);
    if (child < 0) return parse_error("cannot start " + argv[0]);
    if (auto ready = process.read_ready(log); !ready) return tl::unexpected(ready.error());
    return process;
}

Result<bool> ChildProcess::read_ready(const std::string& log) {
    std::string text;
    for (;;) {
        for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
            if (text.compare(0, 5, "ready") == 0) {
                ready_line_ = text.substr(0, end);
                return true;
            }
        pollfd waiting{out_, POLLIN, 0};
        if (poll(&waiting, 1, ready_wait_ms) <= 0)
            return parse_error(name_ + " did not become ready; its log: " + log);
        char piece[1024];
        const ssize_t count = read(out_, piece, sizeof piece);
        if (count <= 0)
            return parse_error(name_ + " ended before it was ready; its log: " + log + "\n" + end_of(log));
        text.append(piece, static_cast<std::size_t>(count));
    }
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      name_(std::move(other.name_)),
      ready_line_(std::move(other.ready_line_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    if (this != &other) {
        terminate();
        pid_ = std::exchange(other.pid_, -1);
        out_ = std::exchange(other.out_, -1);
        name_ = std::move(other.name_);
        ready_line_ = std::move(other.ready_line_);
    }
    return *this;
}

ChildProcess::~ChildProcess() { terminate(); }

void ChildProcess::release() {
    pid_ = -1;
    if (out_ >= 0) close(std::exchange(out_, -1));
}

int ChildProcess::reap() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (out_ >= 0) close(std::exchange(out_, -1));
    return exit_code(status);
}

void ChildProcess::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    reap();
}

int ChildProcess::terminate() {
    if (pid_ <= 0) return -1;
    // A pidfd becomes readable when the process ends, so that the wait has a bound.
    const int ended = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    ::kill(pid_, SIGTERM);
    if (ended >= 0) {
        pollfd waiting{ended, POLLIN, 0};
        if (poll(&waiting, 1, stop_wait_ms) == 0) ::kill(pid_, SIGKILL);
        close(ended);
    }
    return reap();
}

Finished run_to_end(const std::vector<std::string>& argv) {
    Finished result;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return result;
    const pid_t child = fork();
    if (child == 0) become(argv, ends[1], ends[1], WhenParentEnds::ends_too);
    close(ends[1]);
    char piece[4096];
    for (ssize_t count; (count = read(ends[0], piece, sizeof piece)) > 0;)
        result.out.append(piece, static_cast<std::size_t>(count));
    close(ends[0]);
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child) result.code = exit_code(status);
    return result;
}

}  // namespace demo
