// ChildProcess: a program that the demo starts, waits for by its ready line, and ends by its pid. The
// destructor ends it too (SIGTERM, then SIGKILL after stop_wait_ms). One thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "iso8583/values/result.hpp"

namespace demo {

/// What becomes of a child when the demo itself ends without ending it.
enum class WhenParentEnds {
    ends_too,  // by the kernel's hand, also when the demo is killed
    lives_on,  // may be released (--keep): what the kernel was told of a child cannot be taken back from here
};

class ChildProcess {
  public:
    static constexpr int ready_wait_ms = 60'000;
    static constexpr int stop_wait_ms = 30'000;

    /// Starts argv[0] with stdout on a pipe and stderr appended to `log`, and reads stdout until a line that
    /// begins with "ready".
    static iso8583::Result<ChildProcess> start(const std::vector<std::string>& argv, const std::string& log,
                                               WhenParentEnds when_parent_ends);
    ~ChildProcess();
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;

    [[nodiscard]] const std::string& ready_line() const { return ready_line_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// kill -9; returns when the process is gone.
    void kill();
    /// SIGTERM; the exit code, or 128 + the signal that ended it.
    int terminate();
    /// Leaves the process running when this object ends; for one that lives_on.
    void release();

  private:
    ChildProcess(pid_t pid, int out, std::string name) : pid_(pid), out_(out), name_(std::move(name)) {}
    [[nodiscard]] iso8583::Result<bool> read_ready(const std::string& log);
    int reap();

    pid_t pid_ = -1;
    int out_ = -1;
    std::string name_;
    std::string ready_line_;
};

struct Finished {
    int code = -1;
    std::string out;  // stdout and stderr together
};
/// Runs a program to its end and collects what it says.
Finished run_to_end(const std::vector<std::string>& argv);

}  // namespace demo
