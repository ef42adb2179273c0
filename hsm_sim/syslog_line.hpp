// A line to syslog that never waits: a daemon that does not take it is an error, and nothing stands still for
// it (the C library's syslog() would). Both programs note the heads of their audits by it.
//
// Thread: any. Source: RFC 3164; facility authpriv, severity notice.
#pragma once

#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace hsm {

/// `socket` is a Unix datagram socket, usually /dev/log.
iso8583::Result<void> send_to_syslog(const std::string& socket, std::string_view program,
                                     std::string_view text);

}  // namespace hsm
