#include "hsm_sim/process_hardening.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "iso8583/values/ensure.hpp"

namespace hsm {

void forbid_core_dumps() {
    const rlimit none{0, 0};
    ENSURE(setrlimit(RLIMIT_CORE, &none) == 0);
    ENSURE(prctl(PR_SET_DUMPABLE, 0) == 0);
}

iso8583::Result<void> lock_memory() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return iso8583::parse_error("memory is not locked: a sanitizer's shadow memory cannot be");
#else
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return iso8583::parse_error(std::string("memory is not locked: ") + std::strerror(errno) +
                                    "; raise the limit of locked memory (ulimit -l, LimitMEMLOCK=)");
    return {};
#endif
}

void make_failed_writes_errors() {
    ENSURE(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    ENSURE(std::signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
}

}  // namespace hsm
