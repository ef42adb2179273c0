#include "hsm_sim/control_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

namespace hsm {
namespace {

constexpr int cannot_reach = 3;

/// Closes a descriptor when the scope ends.
struct Descriptor {
    int value;
    ~Descriptor() {
        if (value >= 0) ::close(value);
    }
};

}  // namespace

int ask_control_socket(const std::string& path, const std::string& line) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        std::cerr << "hsm-sim: the control socket's path is too long\n";
        return 2;
    }
    std::copy(path.begin(), path.end(), address.sun_path);
    const Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (socket.value < 0 ||
        ::connect(socket.value, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::cerr << "hsm-sim: " << path << ": " << std::strerror(errno) << '\n';
        return cannot_reach;
    }
    if (::send(socket.value, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
        return cannot_reach;
    std::string answer;
    std::array<char, 256> part{};
    for (;;) {
        const ssize_t got = ::recv(socket.value, part.data(), part.size(), 0);
        if (got <= 0) break;
        answer.append(part.data(), static_cast<std::size_t>(got));
    }
    std::cout << answer << std::flush;
    return answer.rfind("ok", 0) == 0 ? 0 : 1;
}

}  // namespace hsm
