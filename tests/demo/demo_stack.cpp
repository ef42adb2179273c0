#include "tests/demo/demo_stack.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/demo/channel_socket.hpp"

namespace demo {
namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr int connections_wait_ms = 30'000;
constexpr int connections_look_again_ms = 20;
constexpr const char* cluster_name = "cluster";
const std::vector<std::string> issuer_names = {"issuer-a", "issuer-b", "issuer-w"};

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::string text_of(const nlohmann::json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

/// The answer of an HTTP server on loopback, head and body; empty when there is none.
std::string http_get(const std::string& address, const std::string& target,
                     const acquirer::MakeChannel& channel) {
    ChannelSocket socket;
    std::string answer;
    const std::string request =
        "GET " + target + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n";
    if (!socket.connect(address, channel, connections_wait_ms) || !socket.send(iso8583::as_bytes(request)))
        return answer;
    while (const auto piece = socket.receive(connections_wait_ms)) answer += iso8583::as_text(*piece);
    return answer;
}

/// The value of `name=` in a ready line, up to the next blank.
std::string value_of(const std::string& line, const std::string& name) {
    const std::size_t at = line.find(' ' + name + '=');
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 2;
    return line.substr(begin, line.find(' ', begin) - begin);
}

}  // namespace

Result<bool> DemoStack::make_tls() {
    auto tls = DemoTls::make(path("tls"));
    if (!tls) return tl::unexpected(tls.error());
    auto terminal = tls->client("terminal"), monitor = tls->client("monitor");
    if (!terminal) return tl::unexpected(terminal.error());
    if (!monitor) return tl::unexpected(monitor.error());
    terminal_channel_ = std::move(*terminal);
    monitor_channel_ = std::move(*monitor);
    tls_ = std::move(*tls);
    return true;
}

/// What it answers is the ready line of the switch that serves.
Result<bool> DemoStack::ask_the_cluster(const std::string& command) {
    switch_ready_ = tell(cluster_name, command);
    if (!switch_ready_.starts_with("ready "))
        return parse_error(command + " was answered by: " + switch_ready_);
    fmt::print("refund-switch: {}\n", switch_ready_);
    return await_connections();
}

Result<bool> DemoStack::start() {
    if (options_.attached) return ask_the_cluster("where");
    if (options_.tls)
        if (auto made = make_tls(); !made) return made;
    const auto speak_tls = [this](std::vector<std::string>& argv, const char* peer) {
        if (!tls_) return;
        const std::vector<std::string> flags = tls_->server_flags(peer);
        argv.insert(argv.end(), flags.begin(), flags.end());
    };
    for (const std::string& name : issuer_names) {
        std::vector<std::string> argv = {program("issuer-sim"),
                                         "--config",
                                         options_.config + "/" + name + ".toml",
                                         "--journal",
                                         path(name + ".journal"),
                                         "--control",
                                         path(name + ".sock")};
        if (options_.free_ports) argv.insert(argv.end(), {"--listen", "127.0.0.1:0"});
        speak_tls(argv, "issuer");
        auto process = ChildProcess::start(argv, path(name + ".log"), when_demo_ends());
        if (!process) return tl::unexpected(process.error());
        fmt::print("{}: {}\n", name, process->ready_line());
        issuers_.emplace(name, std::move(*process));
    }
    if (options_.hsm_over_tcp) {
        const std::string listen = options_.free_ports ? "127.0.0.1:0" : "127.0.0.1:1500";
        std::vector<std::string> argv = {program("hsm-sim"),   "--listen", listen, "--lmk", "test",
                                         "--zone-key-exchange"};
        speak_tls(argv, "hsm");
        auto process = ChildProcess::start(argv, path("hsm-sim.log"), when_demo_ends());
        if (!process) return tl::unexpected(process.error());
        fmt::print("hsm-sim: {}\n", process->ready_line());
        hsm_.emplace(std::move(*process));
    }
    if (auto written = write_switch_config(); !written) return written;
    return start_switch();
}

/// demo.toml with the addresses of this run.
Result<bool> DemoStack::write_switch_config() {
    std::string text = read_file(options_.config + "/demo.toml");
    if (text.empty()) return parse_error("cannot read " + options_.config + "/demo.toml");
    std::vector<std::pair<std::string, std::string>> changes;
    if (hsm_)
        changes.emplace_back(
            "mode = \"embedded\"\nlmk = \"test\"\nzone_key_exchange = true  # refundctl keys rotate\n",
            "mode = \"tcp\"\naddresses = [\"" + value_of(hsm_->ready_line(), "hsm") + "\"]\n" +
                (tls_ ? "tls = \"hsm\"\n" : ""));
    if (tls_) {
        changes.emplace_back("[listen]\n",
                             "[listen]\nunionpay-pos-tls = \"terminals\"\niso87-ascii-tls = \"terminals\"\n"
                             "metrics-tls = \"monitoring\"\n");
        for (const std::string& name : issuer_names)
            changes.emplace_back("name = \"" + name + "\"\n", "name = \"" + name + "\"\ntls = \"issuers\"\n");
    }
    if (options_.free_ports) {
        for (const char* own : {"127.0.0.1:8583", "127.0.0.1:8584", "127.0.0.1:9583"})
            changes.emplace_back(own, "127.0.0.1:0");
        changes.emplace_back("127.0.0.1:8601", value_of(issuers_.at("issuer-a").ready_line(), "issuer"));
        changes.emplace_back("127.0.0.1:8602", value_of(issuers_.at("issuer-b").ready_line(), "issuer"));
        changes.emplace_back("127.0.0.1:8603", value_of(issuers_.at("issuer-w").ready_line(), "issuer"));
    }
    for (const auto& [from, to] : changes) {
        const std::size_t at = text.find(from);
        if (at == std::string::npos) return parse_error("demo.toml lacks: " + from);
        text.replace(at, from.size(), to);
    }
    if (tls_) text += hsm_ ? tls_->sections(DemoTls::Hsm::over_tcp) : tls_->sections(DemoTls::Hsm::embedded);
    std::ofstream out(path("demo.toml"), std::ios::binary);
    out << text;
    return out.good() ? Result<bool>(true) : parse_error("cannot write " + path("demo.toml"));
}

Result<bool> DemoStack::start_switch() {
    if (options_.attached) return ask_the_cluster("start");
    auto process =
        ChildProcess::start({program("refund-switch"), "--config", path("demo.toml"), "--data", path("data")},
                            path("refund-switch.log"), when_demo_ends());
    if (!process) return tl::unexpected(process.error());
    fmt::print("refund-switch: {}\n", process->ready_line());
    switch_.emplace(std::move(*process));
    switch_ready_ = switch_->ready_line();
    return await_connections();
}

/// Ready means that the switch listens; its own connections, to HSM and issuers, come up a moment later. Its
/// metrics say when.
Result<bool> DemoStack::await_connections() const {
    const std::string metrics = value_of(switch_ready_, "metrics");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(connections_wait_ms);
    for (;;) {
        std::istringstream lines(http_get(metrics, "/metrics", monitor_channel_));
        std::size_t up = 0;
        for (std::string line; std::getline(lines, line);) {
            const bool counts = line.find("hsm_available ") != std::string::npos ||
                                line.find("issuer_connections_signed_on{") != std::string::npos;
            if (counts && line[0] != '#' && std::strtod(line.c_str() + line.rfind(' '), nullptr) >= 1) ++up;
        }
        if (up == 1 + issuer_names.size()) return true;
        if (std::chrono::steady_clock::now() > deadline)
            return parse_error("HSM or issuers are not connected");
        poll(nullptr, 0, connections_look_again_ms);
    }
}

void DemoStack::kill_switch() {
    if (options_.attached) return static_cast<void>(tell(cluster_name, "kill"));
    switch_->kill();
    switch_.reset();
}

int DemoStack::stop() {
    const int code = switch_ ? switch_->terminate() : -1;
    issuers_.clear();
    hsm_.reset();
    return code;
}

void DemoStack::keep() {
    fmt::print("\nThe stack is left running. Everything of it is in {}\n", options_.folder);
    fmt::print("  terminals: {} (unionpay-pos), {} (iso87-ascii)\n", address("unionpay-pos"),
               address("iso87-ascii"));
    fmt::print("  operators: {} --socket {} --as checker1 status\n", program("refundctl"),
               path("data/control.sock"));
    fmt::print("  end it:    kill {}", switch_->pid());
    switch_->release();
    for (auto& [name, process] : issuers_) {
        fmt::print(" {}", process.pid());
        process.release();
    }
    if (hsm_) {
        fmt::print(" {}", hsm_->pid());
        hsm_->release();
    }
    fmt::print("\n");
}

std::string DemoStack::address(const std::string& profile) const {
    return value_of(switch_ready_, "terminals." + profile);
}

Finished DemoStack::refundctl(const std::string& user, std::vector<std::string> words) const {
    std::vector<std::string> argv = {program("refundctl"), "--socket", value_of(switch_ready_, "control")};
    if (!user.empty()) argv.insert(argv.end(), {"--as", user});
    argv.insert(argv.end(), words.begin(), words.end());
    return run_to_end(argv);
}

std::vector<Effect> DemoStack::journal(const std::string& issuer) const {
    std::vector<Effect> out;
    std::istringstream lines(read_file(path(issuer + ".journal")));
    for (std::string line; std::getline(lines, line);) {
        const auto object = nlohmann::json::parse(line, nullptr, false);
        if (!object.is_object()) continue;  // the last line may be half written
        Effect e{text_of(object, "kind"), text_of(object, "of"), text_of(object, "rrn"),
                 text_of(object, "terminal"), object.value("amount", std::int64_t{0})};
        out.push_back(std::move(e));
    }
    return out;
}

bool DemoStack::await_effect(const std::string& issuer, const std::function<bool(const Effect&)>& wanted,
                             int wait_ms) const {
    const int watcher = inotify_init1(IN_CLOEXEC);
    inotify_add_watch(watcher, path(issuer + ".journal").c_str(), IN_MODIFY);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
    bool found = false;
    for (;;) {
        for (const Effect& e : journal(issuer)) found = found || wanted(e);
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd waiting{watcher, POLLIN, 0};
        if (found || left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) break;
        char events[4096];
        if (read(watcher, events, sizeof events) <= 0) break;
    }
    close(watcher);
    return found;
}

std::string DemoStack::tell(const std::string& issuer, const std::string& command) const {
    sockaddr_un peer{};
    peer.sun_family = AF_UNIX;
    const std::string name = path(issuer + ".sock");
    if (name.size() >= sizeof peer.sun_path) return "the control socket's path is too long";
    name.copy(peer.sun_path, name.size());
    const int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string reply;
    if (::connect(s, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0) {
        const std::string line = command + "\n";
        if (::send(s, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) {
            char piece[1024];
            for (ssize_t count;
                 reply.find('\n') == std::string::npos && (count = recv(s, piece, sizeof piece, 0)) > 0;)
                reply.append(piece, static_cast<std::size_t>(count));
        }
    }
    close(s);
    return reply.substr(0, reply.find('\n'));
}

}  // namespace demo
