#include "bench/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace bench {

ChildProcess::~ChildProcess() { stop(); }
ChildProcess::ChildProcess(ChildProcess&& o) noexcept
    : pid_(std::exchange(o.pid_, -1)), output_(std::exchange(o.output_, -1)) {}
ChildProcess& ChildProcess::operator=(ChildProcess&& o) noexcept {
    if (this == &o) return *this;
    stop();
    pid_ = std::exchange(o.pid_, -1);
    output_ = std::exchange(o.output_, -1);
    return *this;
}

namespace {

/// Up to the line feed; an error when none comes in time or the program ends before.
iso8583::Result<std::string> first_line(int fd, const std::string& program) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(ChildProcess::ready_wait_s);
    std::string line;
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd ready{fd, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0)
            return iso8583::parse_error(program + " was not ready within " +
                                        std::to_string(ChildProcess::ready_wait_s) + " s");
        char c = 0;
        const ssize_t got = ::read(fd, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return iso8583::parse_error(program + " ended before it was ready");
        if (c == '\n') return line;
        line.push_back(c);
    }
}

std::string last_line(const std::string& log) {
    std::ifstream in(log);
    std::string last = "(nothing)";
    for (std::string line; std::getline(in, line);)
        if (!line.empty()) last = line;
    return last;
}

}  // namespace

iso8583::Result<std::string> ChildProcess::start(const std::vector<std::string>& arguments,
                                                 const std::string& log) {
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0)
        return iso8583::parse_error("pipe: " + std::string(std::strerror(errno)));
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return iso8583::parse_error("fork: " + std::string(std::strerror(errno)));
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(127);
        const int log_file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0640);
        ::dup2(pipe_ends[1], STDOUT_FILENO);
        if (log_file >= 0) ::dup2(log_file, STDERR_FILENO);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    pid_ = child;
    ::close(pipe_ends[1]);
    output_ = pipe_ends[0];
    auto line = first_line(output_, arguments[0]);
    if (!line) {
        stop();
        // The log may be gone with the run's directory when this is read.
        return iso8583::parse_error(line.error().what + "; the last line of its log: " + last_line(log));
    }
    return line;
}

int ChildProcess::stop() {
    if (output_ >= 0) ::close(output_);
    output_ = -1;
    if (pid_ <= 0) return 0;
    const pid_t pid = std::exchange(pid_, -1);
    ::kill(pid, SIGTERM);
    int status = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(end_wait_s);
    while (::waitpid(pid, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() >= until) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, &status, 0);
            return -1;
        }
        ::poll(nullptr, 0, 20);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

double cpu_seconds(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return 0;
    // After the name: state and 10 more fields, then utime and stime in clock ticks (proc(5)).
    std::istringstream fields(text.substr(name_end + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace bench
