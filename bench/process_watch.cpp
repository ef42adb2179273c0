#include "bench/process_watch.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace bench {

namespace fs = std::filesystem;

std::uint64_t resident_kib(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    std::uint64_t size = 0, resident = 0;
    file >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1'024;
}

std::uint64_t open_descriptors(pid_t pid) {
    std::error_code error;
    std::uint64_t n = 0;
    for (fs::directory_iterator at("/proc/" + std::to_string(pid) + "/fd", error), end; !error && at != end;
         at.increment(error))
        ++n;
    return n;
}

std::uint64_t bytes_below(const char* directory) {
    std::error_code error;
    std::uint64_t bytes = 0;
    for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
        std::error_code gone;
        if (at->is_regular_file(gone)) bytes += at->file_size(gone);
    }
    return bytes;
}

}  // namespace bench
