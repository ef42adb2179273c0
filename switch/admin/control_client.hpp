// refundctl's end of the control socket: one line out, one line in, over a Unix socket.
// Thread: the caller's; blocks up to the time-out. Errors: a sentence saying why the switch could not be
// reached.
#pragma once

#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace acquirer::admin {

iso8583::Result<std::string> ask_switch(const std::string& socket_path, std::string_view line,
                                        int timeout_seconds);

}  // namespace acquirer::admin
