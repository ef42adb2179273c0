// What this was built from. The values are made at build time (version.cmake).
#pragma once

namespace command_line {

extern const char* const build_version;  // "0.1.0"
extern const char* const build_commit;   // "6f0ab98d1c3e", with "-modified" behind it, or "unknown"

}  // namespace command_line
