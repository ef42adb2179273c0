#include "hsm_sim/syslog_line.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hsm {

iso8583::Result<void> send_to_syslog(const std::string& socket, std::string_view program,
                                     std::string_view text) {
    constexpr int authpriv_notice = (10 << 3) | 5;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() >= sizeof address.sun_path)
        return iso8583::parse_error(socket + ": the path is longer than a socket's name can be");
    std::memcpy(address.sun_path, socket.data(), socket.size());
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const auto fault = [&] {
        const int code = errno;
        if (fd >= 0) ::close(fd);
        return iso8583::parse_error("syslog at " + socket + ": " + std::strerror(code));
    };
    if (fd < 0) return fault();
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fault();
    const std::string line = "<" + std::to_string(authpriv_notice) + ">" + std::string(program) + "[" +
                             std::to_string(::getpid()) + "]: " + std::string(text);
    if (::send(fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
        return fault();
    ::close(fd);
    return {};
}

}  // namespace hsm
