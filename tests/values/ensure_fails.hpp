// ensure_fails(f): f ends in a failed ENSURE. Run in a child process, since a failed ENSURE ends its process.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

template <typename F>
bool ensure_fails(F f) {
    const pid_t child = fork();
    if (child == 0) {
        // The child's message on stderr is expected and would only look like a failure in the test's output.
        const int silence = open("/dev/null", O_WRONLY);
        if (silence >= 0) dup2(silence, STDERR_FILENO);
        std::signal(SIGABRT, SIG_DFL);
        f();
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return false;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
