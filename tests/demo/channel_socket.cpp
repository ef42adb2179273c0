#include "tests/demo/channel_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace demo {

using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::parse_error;
using iso8583::Result;

bool ChannelSocket::connect(const std::string& address, const acquirer::MakeChannel& channel, int wait_ms) {
    close();
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) return false;
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10)));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    channel_ = channel();
    bool good = ::connect(socket_, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0 &&
                write(channel_->begin());
    while (good && !channel_->ready()) good = read_piece(wait_ms).has_value();
    if (!good) close();
    return good;
}

bool ChannelSocket::write(ByteView wire) {
    for (std::size_t sent = 0; sent < wire.size();) {
        const ssize_t count = ::send(socket_, wire.data() + sent, wire.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
    }
    return true;
}

bool ChannelSocket::send(ByteView bytes) { return connected() && write(channel_->seal(bytes)); }

Result<Bytes> ChannelSocket::read_piece(int wait_ms) {
    pollfd waiting{socket_, POLLIN, 0};
    if (poll(&waiting, 1, wait_ms) <= 0) return parse_error("no answer");
    std::uint8_t piece[8192];
    const ssize_t count = recv(socket_, piece, sizeof piece, 0);
    if (count <= 0) return parse_error("connection closed");
    const acquirer::ByteChannel::Fed fed = channel_->feed({piece, static_cast<std::size_t>(count)});
    Bytes plain(fed.plain.begin(), fed.plain.end());
    if (!write(fed.to_send)) return parse_error("connection closed");
    if (!channel_->failure().empty()) return parse_error(channel_->failure());
    if (plain.empty() && channel_->peer_finished()) return parse_error("connection closed");
    return plain;
}

Result<Bytes> ChannelSocket::receive(int wait_ms) {
    if (!connected()) return parse_error("connection closed");
    for (;;) {
        auto plain = read_piece(wait_ms);
        if (!plain || !plain->empty()) return plain;
    }
}

void ChannelSocket::close() {
    if (socket_ < 0) return;
    if (channel_ && channel_->failure().empty()) write(channel_->finish());
    ::close(std::exchange(socket_, -1));
    channel_.reset();
}

}  // namespace demo
