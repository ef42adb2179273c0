#include "tests/hsm_sim/hsm_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "hsm_sim/payshield.hpp"
#include "tests/test_paths.hpp"

namespace hsm::testing {
namespace {

constexpr int silence_ms_max = 10000;

void wait_readable(int descriptor) {
    pollfd poll{descriptor, POLLIN, 0};
    if (::poll(&poll, 1, silence_ms_max) != 1) throw std::runtime_error("nothing came for ten seconds");
}

}  // namespace

std::string fresh_path(const std::string& name) {
    static int number = 0;
    return "/tmp/hsm_test." + std::to_string(::getpid()) + "." + std::to_string(++number) + "." + name;
}

HsmProcess::HsmProcess(const std::vector<std::string>& arguments) : log_path_(fresh_path("log")) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) throw std::runtime_error("no pipe");
    std::vector<std::string> words = {program_path("hsm-sim"), "--listen", "127.0.0.1:0"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        const int log = ::open(log_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::dup2(pipe[1], STDOUT_FILENO);
        ::dup2(log, STDERR_FILENO);
        ::close(pipe[0]);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    ::close(pipe[1]);
    out_ = pipe[0];
    while (ready_.empty() || ready_.back() != '\n') {
        wait_readable(out_);
        char c = '\0';
        if (::read(out_, &c, 1) != 1) throw std::runtime_error("hsm-sim did not become ready: " + log());
        ready_.push_back(c);
    }
    ready_.pop_back();
}

HsmProcess::~HsmProcess() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_);
    ::unlink(log_path_.c_str());
}

std::uint16_t HsmProcess::port_of(const std::string& key) const {
    const std::size_t at = ready_.find(key);
    if (at == std::string::npos) throw std::runtime_error("the ready line has no " + key);
    const std::string word = ready_.substr(at, ready_.find(' ', at) - at);
    return static_cast<std::uint16_t>(std::stoul(word.substr(word.rfind(':') + 1)));
}

void HsmProcess::signal(int number) const { ::kill(pid_, number); }

int HsmProcess::wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    dumped_core_ = WIFSIGNALED(status) && WCOREDUMP(status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string HsmProcess::log() {
    std::ifstream in(log_path_);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Connection::Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect to hsm-sim");
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection::~Connection() { ::close(socket_); }

void Connection::send(std::string_view bytes) const {
    if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
        throw std::runtime_error("cannot send to hsm-sim");
}

std::string Connection::receive() const {
    wait_readable(socket_);
    std::array<char, 65536> buffer{};
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    return got <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(got));
}

std::string Connection::exchange(std::string_view frame) {
    send(make_frame("", frame));
    for (;;) {
        const FrameSplit split = split_frame(pending_);
        if (split.state == FrameSplit::State::frame) {
            std::string answer(split.frame);
            pending_.erase(0, split.bytes_used);
            return answer;
        }
        const std::string more = receive();
        if (more.empty()) throw std::runtime_error("hsm-sim closed the connection");
        pending_ += more;
    }
}

}  // namespace hsm::testing
