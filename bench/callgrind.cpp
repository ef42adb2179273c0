#include "bench/callgrind.hpp"

#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

namespace bench {
namespace {

/// Gives each line of the command's output to `see`; whether it ended with 0.
bool lines_of(const std::string& command, const std::function<void(const char*)>& see) {
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return false;
    char line[512];
    while (std::fgets(line, sizeof line, pipe) != nullptr) see(line);
    return pclose(pipe) == 0;
}

}  // namespace

double count_instructions(const std::string& arguments, const std::vector<std::string>& functions) {
    std::string command = "valgrind --tool=callgrind --callgrind-out-file=/dev/null";
    for (const std::string& function : functions) command += " '--toggle-collect=" + function + "'";
    command += " /proc/" + std::to_string(getpid()) + "/exe " + arguments + " 2>&1";
    double found = 0;
    std::string last;
    const bool done = lines_of(command, [&](const char* line) {
        if (const char* at = std::strstr(line, "Collected : ")) found = std::strtod(at + 12, nullptr);
        if (std::strlen(line) > 1) last = line;
    });
    if (done && found > 0) return found;
    // Whoever sees that nothing was counted needs to know why.
    std::fprintf(stderr, "%s\nended with: %s", command.c_str(), last.c_str());
    return 0;
}

std::string valgrind_version() {
    std::string version;
    lines_of("valgrind --version 2>/dev/null", [&](const char* line) { version = line; });
    while (!version.empty() && version.back() == '\n') version.pop_back();
    return version;
}

}  // namespace bench
