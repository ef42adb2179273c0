#include "bench/hsm_bench_loopback.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "bench/child_process.hpp"
#include "hsm_sim/engine.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/payshield.hpp"
#include "hsm_sim/test_keys.hpp"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

/// hsm-sim beside the running program.
std::string program_beside_us() {
    std::array<char, 4096> path{};
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    const std::string self(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return self.substr(0, self.rfind('/') + 1) + "hsm-sim";
}

std::uint16_t start_hsm_sim(ChildProcess& child, const std::string& program) {
    if (::access(program.c_str(), X_OK) != 0) throw std::runtime_error("there is no program " + program);
    const auto line = child.start({program, "--listen", "127.0.0.1:0"}, "/dev/null");
    if (!line) throw std::runtime_error("hsm-sim did not become ready: " + line.error().what);
    const std::size_t colon = line->rfind(':');
    if (line->rfind("ready hsm=", 0) != 0 || colon == std::string::npos)
        throw std::runtime_error("hsm-sim said no ready line");
    return static_cast<std::uint16_t>(std::stoul(line->substr(colon + 1)));
}

struct Link {
    int socket = -1;
    std::string input;
};

int open_link(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect to hsm-sim");
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

void send_all(int socket, const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t got = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (got <= 0) throw std::runtime_error("hsm-sim closed a connection");
        sent += static_cast<std::size_t>(got);
    }
}

/// The frame of a UnionPay MAC verification that is right, as a switch sends it for every terminal message.
std::string m8_frame(std::uint32_t message_bytes) {
    hsm::OpensslRandom random;
    hsm::HsmEngine engine(hsm::Lmk::test(), random);
    iso8583::Bytes data(message_bytes);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(7 * i);
    const auto key = *hsm::KeyBlock::parse(hsm::test_keys::tak);
    const hsm::MacProfile unionpay{hsm::MacAlgorithm::unionpay_ecb, hsm::MacPadding::zeros};
    const auto made = engine.perform(hsm::GenerateMac{hsm::KeyKind::tak, key, unionpay, data});
    const hsm::Mac mac = std::get<hsm::MacGenerated>(made.value()).mac;
    hsm::PayshieldExchange exchange(hsm::VerifyMac{hsm::KeyKind::tak, key, unionpay, data, mac},
                                    hsm::PayshieldFormat{});
    return hsm::make_frame("0001", exchange.next_command().value());
}

/// Counts and checks the whole answers of a link's input.
std::size_t take_answers(Link& link) {
    static constexpr std::string_view right = "0001M900";
    std::size_t answers = 0;
    std::size_t used = 0;
    for (;;) {
        const hsm::FrameSplit split = hsm::split_frame(std::string_view(link.input).substr(used));
        if (split.state != hsm::FrameSplit::State::frame) break;
        if (split.frame != right) throw std::runtime_error("hsm-sim answered wrongly");
        used += split.bytes_used;
        ++answers;
    }
    link.input.erase(0, used);
    return answers;
}

double commands_per_second(std::uint16_t port, const HsmBenchOptions& options) {
    const std::string frame = m8_frame(options.message_bytes);
    std::vector<Link> links(options.connections);
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < links.size(); ++i) {
        links[i].socket = open_link(port);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, links[i].socket, &event);
        std::string first;
        for (std::uint32_t n = 0; n < options.outstanding; ++n) first += frame;
        send_all(links[i].socket, first);
    }
    const auto from = Clock::now();
    const auto until = from + std::chrono::milliseconds(options.loopback_ms);
    std::uint64_t done = 0;
    std::array<epoll_event, 64> events{};
    std::array<char, 65536> buffer{};
    std::string out;
    auto now = from;
    while (now < until) {
        const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 5000);
        if (ready <= 0) throw std::runtime_error("hsm-sim fell silent");
        for (int i = 0; i < ready; ++i) {
            Link& link = links[events[static_cast<std::size_t>(i)].data.u64];
            const ssize_t got = ::recv(link.socket, buffer.data(), buffer.size(), 0);
            if (got <= 0) throw std::runtime_error("hsm-sim closed a connection");
            link.input.append(buffer.data(), static_cast<std::size_t>(got));
            const std::size_t answers = take_answers(link);
            done += answers;
            out.clear();
            for (std::size_t n = 0; n < answers; ++n) out += frame;
            send_all(link.socket, out);
        }
        now = Clock::now();
    }
    for (const Link& link : links) ::close(link.socket);
    ::close(poll);
    return static_cast<double>(done) / std::chrono::duration<double>(now - from).count();
}

}  // namespace

LoopbackResult run_loopback(const HsmBenchOptions& options) {
    LoopbackResult out;
    try {
        ChildProcess child;
        const std::string program =
            options.hsm_sim_program.empty() ? program_beside_us() : options.hsm_sim_program;
        out.per_second = commands_per_second(start_hsm_sim(child, program), options);
        if (child.stop() != 0) out.error = "hsm-sim did not end in order";
    } catch (const std::exception& error) {
        out.error = error.what();
    }
    return out;
}

}  // namespace bench
