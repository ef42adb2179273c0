// ChildProcess: a program of ours started for a bench run: its first line of output, its processor time, its
// orderly end. Ends with this process, whatever happens to it. POSIX; one thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "iso8583/values/result.hpp"

namespace bench {

class ChildProcess {
  public:
    static constexpr int ready_wait_s = 60;
    static constexpr int end_wait_s = 30;

    ChildProcess() = default;
    ~ChildProcess();
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;

    /// Runs `arguments` (the first is the program) with stderr into `log`. Returns the first line of its
    /// stdout.
    iso8583::Result<std::string> start(const std::vector<std::string>& arguments, const std::string& log);
    /// SIGTERM, then waits; the exit status, or -1 when it had to be killed or died of a signal.
    int stop();
    [[nodiscard]] bool running() const { return pid_ > 0; }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = -1;
    int output_ = -1;
};

/// User and system time of a process so far; 0 when there is no such process.
double cpu_seconds(pid_t pid);

}  // namespace bench
