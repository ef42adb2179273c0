// Tells systemd how the service stands, when it asked to be told (NOTIFY_SOCKET). Source: sd_notify(3), the
// protocol without the library: a datagram of lines.
#pragma once

#include <string_view>

namespace acquirer {

/// "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…". Does nothing when nobody asked; failures are
/// nobody's business but the service manager's, which has a time-out of its own.
void notify_service_manager(std::string_view state);

/// Lets the process open so many descriptors, as far as its hard limit allows. Returns how many it may open
/// now.
std::size_t raise_descriptor_limit(std::size_t wanted);

}  // namespace acquirer
