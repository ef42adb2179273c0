// What a process that holds keys or books does with itself, once, early in its main: its memory stays off
// disks (no core dumps, no swapping), and no signal of a failed write ends it.
#pragma once

#include <string>

#include "iso8583/values/result.hpp"

namespace hsm {

/// Core dumps off and the process closed to tracers of the same user. Cannot be undone.
void forbid_core_dumps();
/// Locks all pages, now and, as they are touched, later. Under a limit of locked memory nothing is locked,
/// since an allocation would fail some day for want of it. The error names the limit to raise; running on
/// without is the caller's decision.
iso8583::Result<void> lock_memory();
/// From here on, for every thread of the process and without a way back: no other program is started
/// (execve), no process traced or read, nothing mounted, no kernel module, namespace or clock touched, and no
/// socket opened but of IP, Unix and netlink. Such a call fails (EPERM, of a socket EAFNOSUPPORT). For when
/// everything is open; a wall behind others, not the first. Source: seccomp(2). With a sanitizer, which
/// traces, nothing happens.
iso8583::Result<void> deny_system_calls();
/// A write to a peer that is gone, or past a file's size limit, becomes an error of that write (EPIPE, EFBIG;
/// signal(7): SIGPIPE, SIGXFSZ), which whoever wrote handles, instead of the end of the process.
void make_failed_writes_errors();

}  // namespace hsm
