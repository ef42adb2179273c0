// What the kernel says of a process: memory and open descriptors. Linux; 0 when there is no such process.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace bench {

/// Resident memory in KiB.
std::uint64_t resident_kib(pid_t pid);
/// Open descriptors.
std::uint64_t open_descriptors(pid_t pid);
/// Of the files below a directory.
std::uint64_t bytes_below(const char* directory);

}  // namespace bench
