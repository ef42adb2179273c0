#include "bench/delay_relay.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <deque>
#include <list>
#include <optional>
#include <thread>
#include <vector>

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;
using iso8583::parse_error;
using iso8583::Result;

constexpr std::size_t read_bytes = 1U << 16;
constexpr int backlog = 64;

/// A socket that is closed with its owner.
class Socket {
  public:
    explicit Socket(int fd = -1) : fd_(fd) {}
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

void prompt_and_nonblocking(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/// One direction of a connection.
struct Way {
    struct Piece {
        Clock::time_point due;
        std::string bytes;  // none: the end
    };
    int from = -1, to = -1;
    std::deque<Piece> under_way = {};
    std::size_t written = 0;  // of the first piece
    std::size_t bytes = 0;
    bool read_ended = false, blocked = false, ended = false;

    [[nodiscard]] bool reads() const { return !read_ended && bytes < DelayRelay::relay_bytes_max; }
    [[nodiscard]] std::optional<Clock::time_point> due() const {
        if (under_way.empty() || blocked) return std::nullopt;
        return under_way.front().due;
    }
    void read(std::chrono::microseconds one_way, std::string& buffer) {
        const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        read_ended = got <= 0;
        under_way.push_back({Clock::now() + one_way,
                             std::string(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0)});
        bytes += under_way.back().bytes.size();
    }
    void write_due(Clock::time_point now) {
        while (!under_way.empty() && under_way.front().due <= now) {
            const Piece& piece = under_way.front();
            if (piece.bytes.empty()) {
                ::shutdown(to, SHUT_WR);
                ended = true;
            } else {
                const ssize_t sent =
                    ::send(to, piece.bytes.data() + written, piece.bytes.size() - written, MSG_NOSIGNAL);
                if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
                    blocked = true;
                    return;
                }
                if (sent < 0) {
                    read_ended = ended = true;  // nobody reads any more
                    under_way.clear();
                    ::shutdown(from, SHUT_RD);
                    return;
                }
                written += static_cast<std::size_t>(sent);
                if (written < piece.bytes.size()) continue;
            }
            bytes -= piece.bytes.size();
            written = 0;
            under_way.pop_front();
        }
    }
};

struct Link {
    Link(Socket client, Socket server)
        : near(std::move(client)),
          far(std::move(server)),
          ways{Way{near.fd(), far.fd()}, Way{far.fd(), near.fd()}} {}
    Socket near, far;
    std::array<Way, 2> ways;
    [[nodiscard]] bool ended() const { return ways[0].ended && ways[1].ended; }
};

struct Target {
    sockaddr_storage address = {};
    socklen_t size = 0;
};

Result<Target> look_up(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
        return parse_error(host + ":" + port + ": " + ::gai_strerror(error));
    Target out;
    std::memcpy(&out.address, found->ai_addr, found->ai_addrlen);
    out.size = found->ai_addrlen;
    ::freeaddrinfo(found);
    return out;
}

Socket connected_to(const Target& target) {
    Socket out(::socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(out.fd(), reinterpret_cast<const sockaddr*>(&target.address), target.size) != 0)
        return Socket();
    prompt_and_nonblocking(out.fd());
    return out;
}

}  // namespace

struct DelayRelay::Parts {
    Target target;
    std::chrono::microseconds one_way{};
    Socket listener;
    Socket stop{::eventfd(0, EFD_CLOEXEC)};
    std::uint16_t port = 0;
    std::list<Link> links = {};
    std::string buffer = std::string(read_bytes, '\0');
    std::thread thread = {};

    void accept_one() {
        Socket client(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
        if (client.fd() < 0) return;
        Socket server = connected_to(target);
        if (server.fd() < 0) return;  // the client sees its connection closed
        prompt_and_nonblocking(client.fd());
        links.emplace_back(std::move(client), std::move(server));
    }
    void run() {
        // Half a millisecond is to be half a millisecond: timers are let be late by 50 us otherwise.
        ::prctl(PR_SET_TIMERSLACK, 1'000UL, 0UL, 0UL, 0UL);
        for (;;) {
            std::vector<pollfd> fds = {{stop.fd(), POLLIN, 0}, {listener.fd(), POLLIN, 0}};
            std::vector<Way*> of;
            std::optional<Clock::time_point> next;
            for (Link& link : links)
                for (Way& way : link.ways) {
                    if (way.reads()) {
                        fds.push_back({way.from, POLLIN, 0});
                        of.push_back(&way);
                    }
                    if (way.blocked) {
                        fds.push_back({way.to, POLLOUT, 0});
                        of.push_back(&way);
                    }
                    if (const auto due = way.due(); due && (!next || *due < *next)) next = due;
                }
            wait(fds, next);
            if (fds[0].revents != 0) return;
            for (std::size_t i = 2; i < fds.size(); ++i) {
                if (fds[i].revents == 0) continue;
                if (fds[i].events == POLLIN)
                    of[i - 2]->read(one_way, buffer);
                else
                    of[i - 2]->blocked = false;
            }
            const auto now = Clock::now();
            for (Link& link : links)
                for (Way& way : link.ways)
                    if (!way.blocked) way.write_due(now);
            links.remove_if([](const Link& link) { return link.ended(); });
            if (fds[1].revents != 0) accept_one();
        }
    }
    static void wait(std::vector<pollfd>& fds, std::optional<Clock::time_point> until) {
        timespec left{};
        if (until) {
            const auto ns = std::max<std::int64_t>(
                0, std::chrono::duration_cast<std::chrono::nanoseconds>(*until - Clock::now()).count());
            left = {ns / 1'000'000'000, ns % 1'000'000'000};
        }
        if (::ppoll(fds.data(), fds.size(), until ? &left : nullptr, nullptr) < 0)
            for (pollfd& fd : fds) fd.revents = 0;
    }
};

DelayRelay::DelayRelay(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
    parts_->thread = std::thread([p = parts_.get()] { p->run(); });
}

Result<std::unique_ptr<DelayRelay>> DelayRelay::start(const std::string& host, const std::string& port,
                                                      std::chrono::microseconds one_way) {
    const auto target = look_up(host, port);
    if (!target) return tl::unexpected(target.error());
    auto parts = std::make_unique<Parts>();
    parts->target = *target;
    parts->one_way = one_way;
    parts->listener = Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    if (::bind(parts->listener.fd(), reinterpret_cast<sockaddr*>(&here), size) != 0 ||
        ::listen(parts->listener.fd(), backlog) != 0 ||
        ::getsockname(parts->listener.fd(), reinterpret_cast<sockaddr*>(&here), &size) != 0)
        return parse_error(std::string("a relay cannot listen: ") + std::strerror(errno));
    parts->port = ntohs(here.sin_port);
    return std::unique_ptr<DelayRelay>(new DelayRelay(std::move(parts)));
}

DelayRelay::~DelayRelay() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(parts_->stop.fd(), &one, sizeof one));
    parts_->thread.join();
}

std::uint16_t DelayRelay::port() const { return parts_->port; }

int run_delay(const DelayOptions& options) {
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGTERM);
    ::sigaddset(&ends, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before the relay's thread begins, which inherits it
    const std::size_t colon = options.to.rfind(':');
    const auto relay =
        colon == std::string::npos
            ? Result<std::unique_ptr<DelayRelay>>(parse_error("--to " + options.to + " is no HOST:PORT"))
            : DelayRelay::start(
                  options.to.substr(0, colon), options.to.substr(colon + 1),
                  std::chrono::microseconds(static_cast<std::int64_t>(options.one_way_ms * 1e3)));
    if (!relay) {
        fmt::print(stderr, "switch-bench delay: {}\n", relay.error().what);
        return 1;
    }
    fmt::print("ready port={}\n", (*relay)->port());
    std::fflush(stdout);
    int signal = 0;
    ::sigwait(&ends, &signal);
    return 0;
}

}  // namespace bench
