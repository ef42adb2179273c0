#include "switch/admin/control_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "switch/admin/control_protocol.hpp"

namespace acquirer::admin {

using iso8583::parse_error;

namespace {

std::string reason() { return std::strerror(errno); }

bool timed_out() { return errno == EAGAIN || errno == EWOULDBLOCK; }

iso8583::Result<void> send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return parse_error("the switch did not take the request: " + reason());
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

}  // namespace

SwitchConnection::SwitchConnection(SwitchConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      timeout_seconds_(other.timeout_seconds_),
      received_(std::move(other.received_)) {}

SwitchConnection::~SwitchConnection() {
    if (fd_ >= 0) ::close(fd_);
}

iso8583::Result<SwitchConnection> SwitchConnection::open(const std::string& socket_path,
                                                         int timeout_seconds) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.empty() || socket_path.size() >= sizeof address.sun_path)
        return parse_error("the path of the control socket has to have 1 to " +
                           std::to_string(sizeof address.sun_path - 1) + " characters");
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    SwitchConnection made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), timeout_seconds);
    if (made.fd_ < 0) return parse_error("no socket could be made: " + reason());
    timeval timeout{};
    timeout.tv_sec = timeout_seconds;
    ::setsockopt(made.fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(made.fd_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (::connect(made.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return parse_error("the switch cannot be reached at " + socket_path + ": " + reason());
    return made;
}

iso8583::Result<std::string> SwitchConnection::receive_line() {
    constexpr std::size_t read_bytes = 65'536;
    char buffer[read_bytes];
    std::size_t looked_at = 0;
    while (true) {
        if (const std::size_t end = received_.find('\n', looked_at); end != std::string::npos) {
            std::string line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        if (received_.size() > answer_bytes_max) return parse_error("the switch's answer has no end");
        looked_at = received_.size();
        const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && timed_out())
            return parse_error("the switch did not answer within " + std::to_string(timeout_seconds_) + " s");
        if (got < 0) return parse_error("the switch's answer could not be read: " + reason());
        if (got == 0) return parse_error("the switch closed the connection before it answered");
        received_.append(buffer, static_cast<std::size_t>(got));
    }
}

iso8583::Result<std::string> SwitchConnection::ask(std::string_view line) {
    if (auto sent = send_all(fd_, std::string(line) + "\n"); !sent) return tl::unexpected(sent.error());
    return receive_line();
}

iso8583::Result<std::string> ask_switch(const std::string& socket_path, std::string_view line,
                                        int timeout_seconds) {
    auto connection = SwitchConnection::open(socket_path, timeout_seconds);
    if (!connection) return tl::unexpected(connection.error());
    return connection->ask(line);
}

}  // namespace acquirer::admin
