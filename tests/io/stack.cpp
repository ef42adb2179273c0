#include "tests/io/stack.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "hsm_sim/test_keys.hpp"
#include "ledger/audit_hash.hpp"
#include "switch/io/embedded_hsm.hpp"
#include "switch/shell_setup_of.hpp"
#include "tests/test_paths.hpp"

namespace io_test {

using namespace acquirer;
using iso8583::Bytes;
using iso8583::ByteView;

namespace {

void set_timeout(int fd) {
    const timeval timeout{socket_timeout_ms / 1000, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

routing::IssuerConfig issuer_a() {
    routing::IssuerConfig config;
    config.name = "issuer-a";
    config.dialect = iso8583::find_dialect("iso87-ascii");
    config.zak = *hsm::KeyBlock::parse(hsm::test_keys::zak);
    config.zpk = *hsm::KeyBlock::parse(hsm::test_keys::zpk);
    return config;
}

peers::TerminalConfig demo_terminal(peers::TerminalProfile profile, std::uint32_t number) {
    const bool unionpay = profile == peers::TerminalProfile::unionpay_pos;
    peers::TerminalConfig config;
    config.profile = profile;
    config.terminal =
        *iso8583::TerminalId::parse(std::to_string((unionpay ? 10'000'000U : 20'000'000U) + number));
    config.merchant = *iso8583::MerchantId::parse(unionpay ? "898110157220001" : "898110157220002");
    config.tmk_hex = "0123456789ABCDEFFEDCBA9876543210";
    config.tak_hex = "10101010101010102323232323232323";
    config.tpk_hex = "32323232323232324545454545454545";
    return config;
}

}  // namespace

// ---- Socket

Socket& Socket::operator=(Socket&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    channel_ = std::move(other.channel_);
    early_ = std::move(other.early_);
    rest_ = std::move(other.rest_);
    return *this;
}

Socket Socket::connect(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    Socket socket;
    if (address.front() == '/') {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        std::strncpy(to.sun_path, address.c_str(), sizeof(to.sun_path) - 1);
        socket.fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket.fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0)
            fail("connect " + address);
    } else {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
        ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
        socket.fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket.fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0)
            fail("connect " + address);
    }
    set_timeout(socket.fd_);
    return socket;
}

void Socket::send(ByteView bytes) { send_wire(channel_ ? channel_->seal(bytes) : bytes); }

void Socket::send_wire(ByteView wire) {
    while (!wire.empty()) {
        const ssize_t n = ::send(fd_, wire.data(), wire.size(), MSG_NOSIGNAL);
        if (n <= 0) fail("send: the peer is gone");
        wire = wire.subspan(static_cast<std::size_t>(n));
    }
}

Bytes Socket::receive_wire() {
    Bytes buffer(65'536);
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) fail("nothing arrived in time");
    buffer.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return buffer;
}

Bytes Socket::receive() {
    if (!channel_) return receive_wire();
    if (!early_.empty()) return std::exchange(early_, {});
    while (!channel_->peer_finished()) {
        const Bytes wire = receive_wire();
        if (wire.empty()) return {};
        const ByteChannel::Fed fed = channel_->feed(wire);
        send_wire(fed.to_send);
        if (!channel_->failure().empty()) fail(channel_->failure());
        if (!fed.plain.empty()) return {fed.plain.begin(), fed.plain.end()};
    }
    return {};
}

void Socket::under(const MakeChannel& channel) {
    channel_ = channel();
    send_wire(channel_->begin());
    while (!channel_->ready()) {
        const Bytes wire = receive_wire();
        if (wire.empty()) fail("closed within the handshake");
        const ByteChannel::Fed fed = channel_->feed(wire);
        early_.insert(early_.end(), fed.plain.begin(), fed.plain.end());
        send_wire(fed.to_send);
        if (!channel_->failure().empty()) fail(channel_->failure());
    }
}

void Socket::finish_sending() {
    if (channel_) send_wire(channel_->finish());
    ::shutdown(fd_, SHUT_WR);
}

std::string Socket::receive_all() {
    std::string all;
    for (Bytes bytes = receive(); !bytes.empty(); bytes = receive()) all += iso8583::as_text(bytes);
    return all;
}

std::string Socket::receive_line() {
    for (;;) {
        if (const std::size_t end = rest_.find('\n'); end != std::string::npos) {
            std::string line = rest_.substr(0, end);
            rest_.erase(0, end + 1);
            return line;
        }
        const Bytes bytes = receive();
        if (bytes.empty()) fail("closed before a whole line");
        rest_ += iso8583::as_text(bytes);
    }
}

void Socket::shutdown() {
    if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}
void Socket::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

// ---- Server

Server::Server(Serve serve, std::uint16_t port, MakeChannel channel)
    : serve_(std::move(serve)), channel_(std::move(channel)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listening_, 16) != 0)
        fail("bind");
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
}

void Server::accept_all() {
    for (;;) {
        const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        set_timeout(fd);
        const timeval forever{};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            ::close(fd);
            return;
        }
        threads_.emplace_back([this, fd] {
            Socket socket(fd);
            {
                const std::lock_guard inner(mutex_);
                open_.push_back(&socket);
                if (stopping_) socket.shutdown();
            }
            try {
                if (channel_) socket.under(channel_);
                serve_(socket);
            } catch (const std::exception&) {
                // The peer went away: that is how connections end.
            }
            const std::lock_guard inner(mutex_);
            open_.erase(std::find(open_.begin(), open_.end(), &socket));
            socket.close();
        });
    }
}

void Server::stop() {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(stopping_, true)) return;
        for (Socket* socket : open_) socket->shutdown();
    }
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    ::close(listening_);
    for (std::thread& thread : threads_) thread.join();
}

// ---- Issuer

Issuer::Issuer(std::uint16_t port, MakeChannel channel)
    : engine_(hsm::Lmk::test(), random_), model_(issuer_a(), engine_) {
    server_ = std::make_unique<Server>([this](Socket& socket) { serve(socket); }, port, std::move(channel));
}

void Issuer::serve(Socket& socket) {
    const iso8583::FramingSpec framing = issuer_a().dialect->framing();
    iso8583::FrameReader reader(framing);
    for (Bytes bytes = socket.receive(); !bytes.empty(); bytes = socket.receive()) {
        reader.feed(bytes);
        for (auto next = reader.next(); next; next = reader.next()) {
            if (!*next) return;
            std::vector<routing::IssuerAction> actions;
            {
                const std::lock_guard lock(mutex_);
                model_.on_frame((*next)->body, TerminalAt::now(), actions);
            }
            for (routing::IssuerAction& action : actions) {
                if (std::holds_alternative<routing::CloseLink>(action)) return;
                auto* answer = std::get_if<routing::SendAnswer>(&action);
                if (answer == nullptr) continue;
                iso8583::Frame frame;
                frame.body = std::move(answer->body);
                Bytes out;
                iso8583::write_frame(framing, frame, out);
                socket.send(out);
            }
        }
    }
}

std::int64_t Issuer::requests() {
    const std::lock_guard lock(mutex_);
    return model_.stats().requests;
}

// ---- ThreadedStore

ThreadedStore::ThreadedStore() : committer_([this] { commit(); }) {}

ThreadedStore::~ThreadedStore() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    committer_.join();
}

void ThreadedStore::begin_sync(ledger::Batch batch, std::function<void()> done) {
    store_.begin_sync(std::move(batch), [] {});
    ++syncs_;
    {
        const std::lock_guard lock(mutex_);
        done_ = std::move(done);
    }
    wake_.notify_one();
}

void ThreadedStore::commit() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || done_; });
        if (stopping_) return;
        const auto done = std::exchange(done_, nullptr);
        lock.unlock();
        done();
        lock.lock();
    }
}

iso8583::Result<void, ledger::StoreError> ThreadedStore::finish_sync() {
    if (fail_.load())
        store_.fail_next_sync({ledger::StoreError::Kind::io, "sync: the test's disk is broken"});
    store_.complete_sync();
    return store_.finish_sync();
}

void ThreadedStore::fail_next_sync() { fail_ = true; }
void ThreadedStore::set_health(ledger::StoreHealth health) {
    const std::lock_guard lock(mutex_);
    health_ = std::move(health);
}
ledger::StoreHealth ThreadedStore::health() const {
    const std::lock_guard lock(mutex_);
    return health_;
}

// ---- Stack

LoadedConfig demo_config(std::int32_t issuer_reply_timeout_ms) {
    auto loaded = load_config(source_path("switch/config/demo.toml"), ConfigSurroundings::of_this_machine());
    if (!loaded) fail(text(loaded.error()));
    auto changed = std::make_shared<Configuration>(*loaded->configuration);
    changed->limits.issuer_reply_timeout_ms = issuer_reply_timeout_ms;
    changed->notices = false;  // no thread of this stack writes them
    std::vector<routing::Route> routes = changed->routes.routes();
    for (routing::Route& route : routes)
        route.reply_timeout_ms = static_cast<std::uint32_t>(issuer_reply_timeout_ms);
    std::vector<routing::IinRange> ranges{{"621234", "621299", {routes.at(0).id}},
                                          {"400000", "499999", {routes.at(1).id}}};
    auto table = routing::RouteTable::build(std::move(routes), std::move(ranges));
    if (!table) fail("the route table is refused");
    changed->routes = std::move(*table);
    loaded->configuration = changed;
    return std::move(*loaded);
}

ledger::PanVaultKey test_vault_key() {
    std::array<std::uint8_t, ledger::PanVaultKey::size> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
    return ledger::PanVaultKey(bytes);
}

Stack::Shard::Shard(const ConfigurationPtr& configuration, std::size_t index, std::size_t of)
    : vault(test_vault_key()),
      overlay(*store),
      core(part_of_shard(configuration, index, of), overlay, vault, ledger::audit_sha256,
           ledger::plan_of_shard(index, of)) {}

Stack::Stack(StackOptions options)
    : config_(demo_config(options.issuer_reply_timeout_ms)), engine_(hsm::Lmk::test(), random_) {
    for (std::size_t index = 0; index < options.shards; ++index)
        shards_.push_back(std::make_unique<Shard>(config_.configuration, index, options.shards));
    hsm_ = options.hsm ? options.hsm(reactor_, log_, clock_) : std::make_unique<EmbeddedHsm>(engine_);
    ShellSetup setup = shell_setup_of(config_, options.control_path);
    for (TerminalPort& port : setup.terminals) {
        port.address.port = 0;
        port.channel = options.terminal_channel;
    }
    setup.metrics = SocketAddress{"127.0.0.1", 0};
    setup.issuers.resize(1);
    setup.issuers[0].addresses[0].port = options.issuer_port;
    setup.issuers[0].channel = options.issuer_channel;
    setup.issuers[0].reconnect_first_ms = 20;
    setup.issuers[0].reconnect_longest_ms = 100;
    setup.bounds = options.bounds;
    setup.terminal_limits = options.terminal_limits;
    std::vector<ShardParts> shards;
    for (const auto& shard : shards_) shards.push_back({shard->core, shard->overlay, *shard->store});
    RuntimeParts parts{std::move(shards), *hsm_, log_, clock_, options.control, {}};
    if (options.reload)
        parts.reload = [this, reload = options.reload] { return reload(config_.configuration); };
    runtime_ = std::make_unique<Runtime>(reactor_, parts, std::move(setup), config_.configuration);
    if (!runtime_->recover()) fail("recovery failed");
    auto at = runtime_->listen();
    if (!at) fail(at.error().what);
    at_ = *at;
    thread_ = std::thread([this] { exit_code_ = runtime_->run(); });
}

Stack::~Stack() {
    stop();
    // Before the runtime, which their committers may still be calling.
    for (const auto& shard : shards_) shard->store.reset();
}

int Stack::stop() {
    runtime_->begin_to_stop();
    return wait();
}

int Stack::wait() {
    if (thread_.joinable()) thread_.join();
    return exit_code_;
}

std::string Stack::http(const std::string& target, const std::string& method) const {
    Socket socket = Socket::connect(at_.metrics);
    socket.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return socket.receive_all();
}

double Stack::metric(const std::string& name) const {
    const std::string page = http("/metrics");
    const std::size_t begin = page.find("\nrefund_switch_" + name + " ");
    if (begin == std::string::npos) return -1;
    return std::stod(page.substr(page.find(' ', begin + 1)));
}

bool Stack::wait_for_metric(const std::string& name, double at_least) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(socket_timeout_ms);
    while (std::chrono::steady_clock::now() < end) {
        if (metric(name) >= at_least) return true;
        std::this_thread::yield();
    }
    return false;
}

// ---- TerminalAt

TerminalAt::TerminalAt(const std::string& address, peers::TerminalProfile profile, std::uint32_t number)
    : model_(demo_terminal(profile, number)), socket_(Socket::connect(address)), reader_(model_.framing()) {}

iso8583::UtcTime TerminalAt::now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

void TerminalAt::reconnect(const std::string& address) {
    socket_ = Socket::connect(address);
    reader_ = iso8583::FrameReader(model_.framing());
}

iso8583::Frame TerminalAt::next_frame() {
    for (;;) {
        if (auto frame = reader_.next()) {
            if (!*frame) fail(frame->error().what);
            return std::move(**frame);
        }
        const Bytes bytes = socket_.receive();
        if (bytes.empty()) fail("the switch closed the connection");
        reader_.feed(bytes);
    }
}

peers::Outcome TerminalAt::receive(const peers::Outgoing& request) {
    auto outcome = model_.receive(request, next_frame());
    if (!outcome) fail("the terminal objects: " + outcome.error().what);
    return std::move(*outcome);
}

void TerminalAt::sign_on() {
    const peers::Outcome outcome = ask(model_.sign_on(now()));
    if (!outcome.approved()) fail("sign-on refused with " + std::string(outcome.code.view()));
}

}  // namespace io_test
