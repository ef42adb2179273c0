#include "switch/admin/control_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "switch/admin/control_protocol.hpp"

namespace acquirer::admin {

using iso8583::parse_error;

namespace {

class Socket {
  public:
    explicit Socket(int fd) : fd_(fd) {}
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

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

iso8583::Result<std::string> receive_line(int fd, int timeout_seconds) {
    std::string line;
    char buffer[65536];
    while (true) {
        const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && timed_out())
            return parse_error("the switch did not answer within " + std::to_string(timeout_seconds) + " s");
        if (got < 0) return parse_error("the switch's answer could not be read: " + reason());
        if (got == 0) return parse_error("the switch closed the connection before it answered");
        line.append(buffer, static_cast<std::size_t>(got));
        if (const std::size_t end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
        if (line.size() > answer_bytes_max) return parse_error("the switch's answer has no end");
    }
}

}  // namespace

iso8583::Result<std::string> ask_switch(const std::string& socket_path, std::string_view line,
                                        int timeout_seconds) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.empty() || socket_path.size() >= sizeof address.sun_path)
        return parse_error("the path of the control socket has to have 1 to " +
                           std::to_string(sizeof address.sun_path - 1) + " characters");
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    const Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.fd() < 0) return parse_error("no socket could be made: " + reason());
    timeval timeout{};
    timeout.tv_sec = timeout_seconds;
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return parse_error("the switch cannot be reached at " + socket_path + ": " + reason());
    if (auto sent = send_all(socket.fd(), std::string(line) + "\n"); !sent)
        return tl::unexpected(sent.error());
    return receive_line(socket.fd(), timeout_seconds);
}

}  // namespace acquirer::admin
