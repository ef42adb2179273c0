#include "hsm_sim/process_hardening.hpp"

#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "iso8583/values/ensure.hpp"

namespace hsm {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool has_sanitizer = true;
#else
constexpr bool has_sanitizer = false;
#endif

bool may_lock_without_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) return true;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
    return ::syscall(SYS_capget, &header, data) == 0 &&
           (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK)) != 0;
}

/// Nothing that a payment process does: other programs, other processes, the kernel, the machine.
constexpr int denied_calls[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(kcmp),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(open_tree),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(clock_settime),
    SCMP_SYS(settimeofday),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(quotactl),
    SCMP_SYS(syslog),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(personality),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
};
constexpr std::uint64_t new_namespaces =
    CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

struct FreeFilter {
    void operator()(void* filter) const { ::seccomp_release(filter); }
};

/// What is wrong with the errno that libseccomp returns negative.
iso8583::Result<void> not_denied(const char* step, int error) {
    return iso8583::parse_error(std::string("system calls are not denied: ") + step + ": " +
                                std::strerror(-error));
}

// What SCMP_A0 says; the macro is a compound literal, which C++ does not have.
scmp_arg_cmp first_argument(scmp_compare how, scmp_datum_t one, scmp_datum_t two = 0) {
    scmp_arg_cmp compared{};
    compared.arg = 0;
    compared.op = how;
    compared.datum_a = one;
    compared.datum_b = two;
    return compared;
}

}  // namespace

void forbid_core_dumps() {
    const rlimit none{0, 0};
    ENSURE(setrlimit(RLIMIT_CORE, &none) == 0);
    ENSURE(prctl(PR_SET_DUMPABLE, 0) == 0);
}

iso8583::Result<void> lock_memory() {
    if (has_sanitizer)
        return iso8583::parse_error("memory is not locked: a sanitizer's shadow memory cannot be");
    if (!may_lock_without_limit())
        return iso8583::parse_error(
            "memory is not locked: how much may be is limited; take the limit away (ulimit -l unlimited, "
            "LimitMEMLOCK=infinity)");
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        return iso8583::parse_error(std::string("memory is not locked: ") + std::strerror(errno));
    return {};
}

iso8583::Result<void> deny_system_calls() {
    if (has_sanitizer) return {};
    const std::unique_ptr<void, FreeFilter> filter(::seccomp_init(SCMP_ACT_ALLOW));
    if (!filter) return iso8583::parse_error("system calls are not denied: no filter can be made");
    // Threads that run already, the store's above all, get it too.
    if (const int error = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1); error != 0)
        return not_denied("for all threads", error);
    for (const int call : denied_calls) {
        const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
        // A call that this machine's kind has not needs no rule.
        if (error != 0 && error != -EDOM) return not_denied("a rule", error);
    }
    for (std::uint64_t bit = 1; bit <= new_namespaces; bit <<= 1) {
        if ((new_namespaces & bit) == 0) continue;
        const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                             first_argument(SCMP_CMP_MASKED_EQ, bit, bit));
        if (error != 0) return not_denied("a rule about clone", error);
    }
    // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (which addresses this machine has) are 1, 2, 10, 16: all between
    // and beyond.
    const auto odd_families = {std::pair<unsigned, unsigned>{AF_INET + 1, AF_INET6 - 1},
                               {AF_INET6 + 1, AF_NETLINK - 1},
                               {AF_NETLINK + 1, AF_MAX - 1}};
    for (const auto& [first, last] : odd_families)
        for (unsigned family = first; family <= last; ++family) {
            const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket),
                                                 1, first_argument(SCMP_CMP_EQ, family));
            if (error != 0) return not_denied("a rule about sockets", error);
        }
    if (const int error = ::seccomp_load(filter.get()); error != 0) return not_denied("loading", error);
    return {};
}

void make_failed_writes_errors() {
    ENSURE(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    ENSURE(std::signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
}

}  // namespace hsm
