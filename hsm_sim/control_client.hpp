// The officers' end of hsm-sim's control socket: one line each way.
#pragma once

#include <string>

namespace hsm {

/// Sends `line`, prints the answer; 0 when it begins with "ok", 1 otherwise, 3 when nobody listens.
int ask_control_socket(const std::string& path, const std::string& line);

}  // namespace hsm
