// A process that has denied itself what a payment process never does: each such call fails, in every thread,
// and what it does need goes on.
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sched.h>
#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <future>
#include <iostream>
#include <string>
#include <thread>

#include "hsm_sim/process_hardening.hpp"

using namespace hsm;

namespace {

struct Row {
    const char* what;
    int error;
    std::function<long()> call;
};

const Row denied[] = {
    {"execve", EPERM,
     [] {
         char name[] = "/bin/true";
         char* const arguments[] = {name, nullptr};
         return static_cast<long>(::execv(name, arguments));
     }},
    {"ptrace", EPERM, [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
    {"process_vm_readv", EPERM,
     [] { return ::syscall(SYS_process_vm_readv, ::getpid(), nullptr, 0, nullptr, 0, 0); }},
    {"mount", EPERM, [] { return static_cast<long>(::mount("none", "/tmp", "tmpfs", 0, nullptr)); }},
    {"chroot", EPERM, [] { return static_cast<long>(::chroot("/")); }},
    {"unshare", EPERM, [] { return static_cast<long>(::unshare(CLONE_NEWNS)); }},
    {"a clone with a new namespace", EPERM,
     [] { return ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr); }},
    {"bpf", EPERM, [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
    {"keyctl", EPERM, [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
    {"init_module", EPERM, [] { return ::syscall(SYS_init_module, nullptr, 0, ""); }},
    {"clock_settime", EPERM,
     [] {
         const timespec epoch{};
         return static_cast<long>(::clock_settime(CLOCK_REALTIME, &epoch));
     }},
    {"a packet socket", EAFNOSUPPORT, [] { return static_cast<long>(::socket(AF_PACKET, SOCK_RAW, 0)); }},
    {"a kernel crypto socket", EAFNOSUPPORT,
     [] { return static_cast<long>(::socket(AF_ALG, SOCK_SEQPACKET, 0)); }},
    {"a vsock", EAFNOSUPPORT, [] { return static_cast<long>(::socket(AF_VSOCK, SOCK_STREAM, 0)); }},
    {"a bluetooth socket", EAFNOSUPPORT,
     [] { return static_cast<long>(::socket(AF_BLUETOOTH, SOCK_RAW, 0)); }},
    {"a socket of X.25", EAFNOSUPPORT, [] { return static_cast<long>(::socket(AF_X25, SOCK_SEQPACKET, 0)); }},
};

/// What in it did not fail as it must.
std::string not_denied() {
    std::string out;
    for (const Row& row : denied) {
        errno = 0;
        const long result = row.call();
        if (result == 0 && std::string_view(row.what).starts_with("a clone")) ::_exit(9);  // its child
        if (result != -1 || errno != row.error)
            out += std::string(row.what) + ": " + std::strerror(errno) + "\n";
    }
    return out;
}

/// What a payment process needs and has not.
std::string not_possible() {
    std::string out;
    for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
        const int s = ::socket(family, family == AF_NETLINK ? SOCK_RAW : SOCK_STREAM, 0);
        // A machine may be without IPv6.
        if (s < 0 && !(family == AF_INET6 && errno == EAFNOSUPPORT))
            out += "socket " + std::to_string(family) + "\n";
        if (s >= 0) ::close(s);
    }
    std::thread([] {}).join();
    std::FILE* file = std::tmpfile();
    if (file == nullptr || std::fputs("x", file) < 0 || ::fdatasync(::fileno(file)) != 0) out += "a file\n";
    if (file != nullptr) std::fclose(file);
    return out;
}

/// What `child` says, run in a process of its own, since there is no way back.
std::string in_child(const std::function<std::string()>& child) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        const std::string said = child() + "done";
        const ssize_t ignored = ::write(pipe[1], said.data(), said.size());
        static_cast<void>(ignored);
        ::_exit(0);
    }
    ::close(pipe[1]);
    std::string out;
    std::array<char, 1024> part{};
    for (ssize_t got = 0; (got = ::read(pipe[0], part.data(), part.size())) > 0;)
        out.append(part.data(), static_cast<std::size_t>(got));
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(status == 0);
    return out;
}

}  // namespace

TEST_CASE("no other program, process, kernel or odd socket after deny_system_calls, in any thread") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    std::cerr << "SKIPPED: a sanitizer traces\n";
    return;
#endif
    const std::string said = in_child([] {
        std::promise<void> go;
        std::string of_thread;
        // It runs before the filter is loaded.
        std::thread other([&, ready = go.get_future()]() mutable {
            ready.wait();
            of_thread = not_denied() + not_possible();
        });
        const auto done = deny_system_calls();
        go.set_value();
        other.join();
        if (!done) return done.error().what;
        return not_denied() + not_possible() + of_thread;
    });
    CHECK(said == "done");
    // The same list finds something where nothing is denied: an odd socket, or another program that runs.
    const std::string before =
        in_child([] { return std::string(::chroot("/nonexistent") != 0 ? std::strerror(errno) : ""); });
    CHECK(before.find("No such file") != std::string::npos);
}

TEST_CASE("memory under a limit is not locked, and the sentence says which limit") {
    const std::string said = in_child([] {
        const rlimit one_mebibyte{1 << 20, 1 << 20};
        if (::setrlimit(RLIMIT_MEMLOCK, &one_mebibyte) != 0) return std::string("no limit was set");
        // Who is root locks whatever the limit says.
        constexpr uid_t nobody = 65534;
        if (::geteuid() == 0 && ::setuid(nobody) != 0) return std::string("still root");
        const auto locked = lock_memory();
        return locked ? std::string("was locked") : locked.error().what + " ";
    });
    INFO(said);
    CHECK(said.find("memory is not locked: ") == 0);
    CHECK((said.find("LimitMEMLOCK=infinity") != std::string::npos ||
           said.find("sanitizer") != std::string::npos));
}
