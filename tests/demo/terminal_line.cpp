#include "tests/demo/terminal_line.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <utility>

#include "iso8583/describe.hpp"

namespace demo {
namespace {

constexpr std::size_t line_columns_max = 118;

/// One message in few lines: "DE3=200000 DE4=000000003000 …", wrapped; `describe` masks.
std::string compact(const iso8583::Message& message) {
    std::string out = message.mti().str() + " " + iso8583::mti_text(message.mti());
    std::size_t column = line_columns_max;  // the fields begin on a line of their own
    message.present().for_each([&](int n) {
        const std::string text =
            fmt::format("DE{}={}", n, iso8583::describe_field(message, iso8583::field(n)));
        if (column + 1 + text.size() > line_columns_max) {
            out += "\n        ";
            column = 8;
        }
        out += ' ' + text;
        column += 1 + text.size();
    });
    return out;
}

iso8583::Bytes framed_body(const peers::Terminal& terminal, const iso8583::Bytes& bytes) {
    iso8583::FrameReader reader(terminal.framing());
    reader.feed(bytes);
    auto frame = reader.next();
    return frame && frame->has_value() ? std::move((**frame).body) : iso8583::Bytes();
}

}  // namespace

iso8583::UtcTime utc_now() {
    using namespace std::chrono;
    return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

int connect_loopback(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) return -1;
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10)));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr);
    const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(s, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0) return s;
    ::close(s);
    return -1;
}

void TerminalLine::move_to(std::string address) {
    close();
    address_ = std::move(address);
}

void TerminalLine::close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

bool TerminalLine::connect() {
    if (socket_ < 0) socket_ = connect_loopback(address_);
    return socket_ >= 0;
}

void TerminalLine::print_body(const char* arrow, const iso8583::Bytes& body) const {
    const auto message = iso8583::decode(terminal_.dialect(), body);
    fmt::print("  {} {} {}\n", terminal_.config().terminal.view(), arrow,
               message ? compact(*message) : message.error().str());
}

bool TerminalLine::send(const peers::Outgoing& request) {
    if (!connect()) return false;
    print_body("→", framed_body(terminal_, request.frame));
    for (std::size_t sent = 0; sent < request.frame.size();) {
        const ssize_t count =
            ::send(socket_, request.frame.data() + sent, request.frame.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
    }
    return true;
}

iso8583::Result<iso8583::Frame> TerminalLine::receive() {
    iso8583::FrameReader reader(terminal_.framing());
    for (;;) {
        pollfd waiting{socket_, POLLIN, 0};
        if (poll(&waiting, 1, reply_wait_ms) <= 0) return iso8583::parse_error("no answer");
        std::uint8_t piece[4096];
        const ssize_t count = recv(socket_, piece, sizeof piece, 0);
        if (count <= 0) return iso8583::parse_error("connection closed");
        reader.feed({piece, static_cast<std::size_t>(count)});
        if (auto frame = reader.next()) {
            if (!frame->has_value()) return iso8583::parse_error(frame->error().what);
            return std::move(**frame);
        }
    }
}

std::string TerminalLine::exchange(const peers::Outgoing& request) {
    if (!send(request)) return "no connection";
    auto frame = receive();
    if (!frame) {
        fmt::print("  {} ← {}\n", terminal_.config().terminal.view(), frame.error().what);
        close();
        return frame.error().what;
    }
    print_body("←", frame->body);
    auto outcome = terminal_.receive(request, *frame);
    if (!outcome) return "breach of the wire: " + outcome.error().what;
    outcome_ = std::move(*outcome);
    return outcome_.code.str();
}

}  // namespace demo
