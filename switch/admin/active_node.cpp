#include "switch/admin/active_node.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "iso8583/values/bytes.hpp"
#include "switch/admin/control_protocol.hpp"

namespace acquirer::admin {

using iso8583::parse_error;
using iso8583::Result;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t port_digits_max = 5;

/// A descriptor that is closed with it.
struct Socket {
    explicit Socket(int of) : fd(of) {}
    ~Socket() {
        if (fd >= 0) ::close(fd);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int fd;
};

bool wait_until(int fd, short events, Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{fd, events, 0};
    return left > 0 && ::poll(&waiting, 1, static_cast<int>(left)) == 1;
}

Result<NodeAddress> parse_node(std::string_view text) {
    NodeAddress node;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
        node.socket = text.substr(equals + 1);
        text = text.substr(0, equals);
    }
    const std::size_t colon = text.rfind(':');
    const auto wrong = [&] {
        return parse_error("\"" + std::string(text) + "\" is no HOST:PORT or HOST:PORT=SOCKET");
    };
    if (colon == std::string_view::npos || (equals != std::string_view::npos && node.socket.empty()))
        return wrong();
    node.host = text.substr(0, colon);
    node.port = text.substr(colon + 1);
    if (node.host.size() > 2 && node.host.front() == '[' && node.host.back() == ']')
        node.host = node.host.substr(1, node.host.size() - 2);
    if (node.host.empty() || node.port.empty() || node.port.size() > port_digits_max ||
        !iso8583::all_digits(node.port))
        return wrong();
    return node;
}

/// The page with its head.
Result<std::string> get_role(const NodeAddress& node) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int code = ::getaddrinfo(node.host.c_str(), node.port.c_str(), &wanted, &found); code != 0)
        return parse_error(::gai_strerror(code));
    const auto deadline = Clock::now() + std::chrono::milliseconds(role_wait_ms);
    const Socket made(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int connected = made.fd < 0 ? -1 : ::connect(made.fd, found->ai_addr, found->ai_addrlen);
    const int why = errno;
    ::freeaddrinfo(found);
    if (connected != 0 && why != EINPROGRESS) return parse_error(std::strerror(why));
    if (!wait_until(made.fd, POLLOUT, deadline)) return parse_error("no answer");
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(made.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return parse_error(std::strerror(error));
    const std::string request = "GET /role HTTP/1.1\r\nHost: " + node.host + "\r\nConnection: close\r\n\r\n";
    if (::send(made.fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
        return parse_error("the request was not taken");
    std::string answer;
    char piece[4096];
    while (answer.size() <= role_bytes_max) {
        if (!wait_until(made.fd, POLLIN, deadline)) return parse_error("no answer");
        const ssize_t got = ::recv(made.fd, piece, sizeof piece, 0);
        if (got < 0) return parse_error(std::strerror(errno));
        if (got == 0) return answer;
        answer.append(piece, static_cast<std::size_t>(got));
    }
    return parse_error("the answer is longer than a page /role");
}

/// For a person's terminal, which what another program says must not steer.
std::string member(const View& page, std::string_view name) {
    const View* value = page.find(name);
    if (value == nullptr || value->text() == nullptr) return {};
    std::string out = *value->text();
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
}

}  // namespace

Result<std::vector<NodeAddress>> parse_nodes(std::string_view text) {
    std::vector<NodeAddress> nodes;
    for (;;) {
        const std::size_t comma = text.find(',');
        auto node = parse_node(text.substr(0, comma));
        if (!node) return tl::unexpected(node.error());
        if (nodes.size() == nodes_max)
            return parse_error("there are more than " + std::to_string(nodes_max) + " nodes");
        nodes.push_back(std::move(*node));
        if (comma == std::string_view::npos) return nodes;
        text.remove_prefix(comma + 1);
    }
}

Result<NodeRole> parse_role(std::string_view http_answer) {
    const std::size_t head = http_answer.find("\r\n\r\n");
    if (head == std::string_view::npos || http_answer.find(" 200 ") > http_answer.find("\r\n"))
        return parse_error("it has no page /role");
    const auto page = parse_json(http_answer.substr(head + 4));
    if (!page) return parse_error("its page /role is none: " + page.error().what);
    NodeRole out;
    out.role = member(*page, "role");
    out.node = member(*page, "node");
    out.of = member(*page, "of");
    out.trouble = member(*page, "trouble");
    if (out.role != "active" && out.role != "standby") return parse_error("its page /role names no role");
    return out;
}

std::vector<NodeRole> ask_roles(const std::vector<NodeAddress>& nodes) {
    std::vector<NodeRole> out;
    for (const NodeAddress& node : nodes) {
        const auto page = get_role(node);
        auto role = page ? parse_role(*page) : Result<NodeRole>(tl::unexpected(page.error()));
        NodeRole seen = role ? std::move(*role) : NodeRole{{}, "", "", "", role.error().what};
        seen.at = node;
        out.push_back(std::move(seen));
    }
    return out;
}

const NodeRole* active_of(const std::vector<NodeRole>& roles) {
    const auto is_active = [](const NodeRole& role) { return role.role == "active"; };
    const auto first = std::find_if(roles.begin(), roles.end(), is_active);
    return first != roles.end() && std::none_of(first + 1, roles.end(), is_active) ? &*first : nullptr;
}

std::string text_of(const std::vector<NodeRole>& roles) {
    std::string out;
    for (const NodeRole& role : roles) {
        if (!out.empty()) out += "\n";
        out += "  " + (role.node.empty() ? "" : "node " + role.node + " at ") + role.at.str() + ": ";
        if (role.role.empty())
            out += "does not say: " + role.trouble;
        else if (role.role == "standby")
            out += "standby of " + (role.of.empty() ? "nobody yet" : "node " + role.of) +
                   (role.trouble.empty() ? "" : ": " + role.trouble);
        else
            out += role.role;
    }
    return out;
}

}  // namespace acquirer::admin
