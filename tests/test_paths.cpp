#include "tests/test_paths.hpp"

std::string source_path(const std::string& relative) { return std::string(SWITCH_SOURCE_DIR "/") + relative; }
std::string program_path(const std::string& program) { return std::string(SWITCH_BIN_DIR "/") + program; }
std::string transitions_path(const std::string& name) {
    return std::string(SWITCH_TRANSITIONS_DIR "/") + name;
}
