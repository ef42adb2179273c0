#include "bench/idle.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "bench/bound.hpp"
#include "bench/load_session.hpp"
#include "bench/process_watch.hpp"
#include "bench/scrape.hpp"

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;
using iso8583::parse_error;
using iso8583::Result;

constexpr std::uint32_t descriptors_spare = 1'024;
constexpr std::uint32_t first_address = 0x7F010001;  // 127.1.0.1
constexpr int connect_wait_ms = 10'000;
constexpr std::size_t connecting_max = 256;  // at a time: below the listener's backlog

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// For this process and those that it starts.
Result<void> allow_descriptors(std::uint64_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted) return {};
    limit.rlim_cur = wanted;
    limit.rlim_max = std::max<rlim_t>(limit.rlim_max, wanted);
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
    return parse_error(fmt::format("{} open files are needed and may not be had: {} (ulimit -n)", wanted,
                                   std::strerror(errno)));
}

/// Sockets that do nothing; closed at the end.
class Crowd {
  public:
    Crowd() = default;
    ~Crowd() {
        for (const int fd : sockets_) ::close(fd);
    }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    Result<void> connect(const std::string& host, std::uint16_t port, std::uint32_t count,
                         std::uint32_t addresses) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        if (::inet_pton(AF_INET, host.c_str(), &to.sin_addr) != 1)
            return parse_error(host + " is no IPv4 address");
        std::vector<pollfd> connecting;
        for (std::uint32_t i = 0; i < count; ++i) {
            const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (fd < 0) return parse_error(std::string("socket: ") + std::strerror(errno));
            sockets_.push_back(fd);
            sockaddr_in from{};
            from.sin_family = AF_INET;
            from.sin_addr.s_addr = htonl(first_address + i % addresses);
            const int one = 1;
            ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
            if (::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
                return parse_error(std::string("cannot bind an address of 127.1.0.0/16: ") +
                                   std::strerror(errno));
            if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)
                return parse_error(fmt::format("connection {}: {}", i + 1, std::strerror(errno)));
            connecting.push_back({fd, POLLOUT, 0});
            if (connecting.size() < connecting_max && i + 1 < count) continue;
            if (auto connected = wait_for(connecting); !connected) return connected;
        }
        return {};
    }
    /// Those that the other end has closed.
    [[nodiscard]] std::uint32_t closed() const {
        std::uint32_t n = 0;
        char byte = 0;
        for (const int fd : sockets_) {
            const ssize_t got = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
            n += got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) ? 1U : 0U;
        }
        return n;
    }

  private:
    static Result<void> wait_for(std::vector<pollfd>& connecting) {
        while (!connecting.empty()) {
            if (::poll(connecting.data(), connecting.size(), connect_wait_ms) <= 0)
                return parse_error(fmt::format("{} connections were not accepted within {} s",
                                               connecting.size(), connect_wait_ms / 1'000));
            std::string failed;
            std::erase_if(connecting, [&failed](const pollfd& p) {
                if (p.revents == 0) return false;
                int error = 0;
                socklen_t size = sizeof error;
                ::getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &size);
                if (error != 0) failed = std::strerror(error);
                return true;
            });
            if (!failed.empty()) return parse_error("a connection was not accepted: " + failed);
        }
        return {};
    }
    std::vector<int> sockets_;
};

/// Waits until the switch counts so many terminal connections; seconds, or nothing when it never did.
std::optional<double> wait_until_accepted(const std::string& metrics, double wanted,
                                          Clock::time_point since) {
    while (seconds_since(since) < idle_accept_wait_s) {
        const auto links = scrape(metrics, "refund_switch_terminal_links");
        if (links && *links >= wanted) return seconds_since(since);
        ::poll(nullptr, 0, 20);
    }
    return std::nullopt;
}

Result<void> measure(const IdleOptions& o, std::uint64_t rate, LoadSession& session, const LoadStack& stack,
                     Report& report) {
    const auto play = [&](const std::string& name) {
        return session.play(name, rate, o.load.warm_up_s, o.load.duration_s).measured;
    };
    Measured alone = play("active terminals alone");
    const std::uint64_t before_kib = resident_kib(stack.switch_pid());
    const auto target = parse_address(stack.targets().unionpay);
    if (!target) return tl::unexpected(target.error());
    Crowd crowd;
    const auto since = Clock::now();
    if (auto connected = crowd.connect(target->host, target->port, o.connections, o.addresses); !connected)
        return connected;
    const auto accepted_s = wait_until_accepted(
        stack.targets().metrics, static_cast<double>(o.connections + session.connections()), since);
    if (!accepted_s)
        return parse_error(fmt::format(
            "the switch had not accepted all of {} connections after {} s; it has {}", o.connections,
            idle_accept_wait_s, scrape(stack.targets().metrics, "refund_switch_terminal_links").value_or(0)));
    Measured beside = play("active terminals beside the idle ones");
    const std::uint64_t after_kib = resident_kib(stack.switch_pid());
    const double p50_alone = static_cast<double>(alone.fleet.latency.percentile_ns(0.5));
    const double p50_beside = static_cast<double>(beside.fleet.latency.percentile_ns(0.5));
    report.figures.insert(
        report.figures.end(),
        {{"idle.bytes_per_connection",
          (static_cast<double>(after_kib) - static_cast<double>(before_kib)) * 1'024 / o.connections},
         {"idle.accepted_seconds", *accepted_s},
         {"idle.p50_us.alone", p50_alone / 1e3},
         {"idle.p50_us.beside", p50_beside / 1e3},
         {"ratio.idle.p50", p50_alone > 0 ? p50_beside / p50_alone : 0},
         {"idle.closed", static_cast<double>(crowd.closed())}});
    if (const std::uint32_t closed = crowd.closed(); closed > 0) {
        report.findings.push_back(
            fmt::format("the switch closed {} of {} idle connections", closed, o.connections));
        report.passed = false;
    }
    report.runs.push_back(std::move(alone));
    report.runs.push_back(std::move(beside));
    return {};
}

}  // namespace

int run_idle(const IdleOptions& o) {
    const auto wrong = [](const std::string& what) { return complain("idle", what, 2); };
    const auto rate = parse_rate(o.load.rate);
    if (!rate) return wrong(rate.error().what);
    if (*rate == 0) return wrong("--rate: a number: what is compared are latencies at the same rate");
    const auto bounds = parse_bounds(o.load.fail_if);
    if (!bounds) return wrong(bounds.error().what);
    if (auto allowed = allow_descriptors(std::uint64_t{o.connections} + descriptors_spare); !allowed)
        return complain("idle", allowed.error().what, 1);
    Report report;
    report.title = "switch-bench idle";
    report.facts = machine_facts();
    report.facts.emplace_back("idle connections",
                              fmt::format("{} from {} addresses", o.connections, o.addresses));
    StackOptions stack_options;
    stack_options.shell = {fmt::format("terminal_links_max = {}", o.connections + descriptors_spare),
                           "idle_link_seconds = 86400"};
    LoadStack stack;
    const auto targets = start_stack(o.load, stack, stack_options);
    if (!targets) return complain("idle", targets.error().what, 1);
    auto session = LoadSession::start(o.load, *targets, stack);
    if (!session) return complain("idle", session.error().what, 1);
    (*session)->describe(report);
    report.facts.emplace_back("rate", fmt::format("{} requests a second (open loop)", *rate));
    if (auto measured = measure(o, *rate, **session, stack, report); !measured)
        return complain("idle", measured.error().what, 1);
    (*session)->close_books(report);
    session->reset();
    stop_stack(stack, report);
    judge(*bounds, report);
    return finish(o.load, report);
}

}  // namespace bench
