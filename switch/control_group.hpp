// Who beside the switch's own user may connect to the control socket: the members of a Unix group. The socket
// is made 0660 and of that group (switch/io/reactor.hpp); here it is seen to that they can reach it.
//
// Thread: at start alone. Errors: sentences that name the group or the directory, and what it lacks.
#pragma once

#include <cstdint>
#include <string>

#include "iso8583/values/result.hpp"

namespace acquirer {

/// The group's number. Makes the socket's directory, 0750 and of the group, when only that is missing;
/// otherwise members must be able to enter it and all above it.
iso8583::Result<std::uint32_t> open_control_directory(const std::string& group,
                                                      const std::string& socket_path);

}  // namespace acquirer
