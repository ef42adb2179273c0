#include "bench/scrape.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace bench {

std::optional<double> scrape(const std::string& address, const std::string& name) {
    const auto colon = address.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10)));
    if (::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1) return std::nullopt;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::nullopt;
    const timeval patience{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n";
    std::string page;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
        char chunk[1 << 14];
        for (ssize_t got = 0;
             page.size() < scrape_bytes_max && (got = ::recv(fd, chunk, sizeof chunk, 0)) > 0;)
            page.append(chunk, static_cast<std::size_t>(got));
    }
    ::close(fd);
    const auto at = page.find("\n" + name + " ");
    if (at == std::string::npos) return std::nullopt;
    return std::strtod(page.c_str() + at + name.size() + 2, nullptr);
}

}  // namespace bench
