// A whole switch in the test's process: core, memory store with a committer thread, embedded HSM, runtime on
// a thread of its own, real sockets on 127.0.0.1. The peers are the models that other tests use, behind
// blocking sockets.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "ledger/memory_store.hpp"
#include "routing/issuer_sim/issuer_model.hpp"
#include "switch/config/config.hpp"
#include "switch/core/switch_core.hpp"
#include "switch/io/runtime.hpp"
#include "tests/peers/terminal_model.hpp"

namespace io_test {

/// A blocking socket that gives up after socket_timeout_ms, so that a test fails instead of hanging.
inline constexpr int socket_timeout_ms = 10'000;

class Socket {
  public:
    Socket() = default;
    explicit Socket(int fd) : fd_(fd) {}
    ~Socket() { close(); }
    Socket(Socket&& other) noexcept { *this = std::move(other); }
    Socket& operator=(Socket&& other) noexcept;
    /// "127.0.0.1:port" or the path of a Unix socket.
    static Socket connect(const std::string& address);
    void send(iso8583::ByteView bytes);
    void send(std::string_view text) { send(iso8583::as_bytes(text)); }
    /// What came; empty when the peer closed. Throws on time-out.
    iso8583::Bytes receive();
    /// Until the peer closes.
    std::string receive_all();
    std::string receive_line();
    void close();
    void shutdown();
    /// Shuts down the sending side, after the channel's farewell.
    void finish_sending();
    /// From now on what is sent and received goes through a channel; returns when its handshake is done.
    void under(const acquirer::MakeChannel& channel);
    [[nodiscard]] int fd() const { return fd_; }

  private:
    void send_wire(iso8583::ByteView wire);
    iso8583::Bytes receive_wire();

    int fd_ = -1;
    std::unique_ptr<acquirer::ByteChannel> channel_;  // none: the wire's bytes
    iso8583::Bytes early_;                            // plain bytes that came with the handshake's end
    std::string rest_;
};

/// Listens on a free port of 127.0.0.1 and serves each connection on a thread of its own.
class Server {
  public:
    using Serve = std::function<void(Socket&)>;
    explicit Server(Serve serve, std::uint16_t port = 0, acquirer::MakeChannel channel = nullptr);
    ~Server() { stop(); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    void stop();

  private:
    void accept_all();
    Serve serve_;
    acquirer::MakeChannel channel_;
    int listening_ = -1;
    std::uint16_t port_ = 0;
    std::mutex mutex_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
    std::vector<Socket*> open_;
    std::thread accepting_;
};

/// An issuer over the simulated issuer's model. Journal lines and delays are not looked at: it answers at
/// once, or not.
class Issuer {
  public:
    explicit Issuer(std::uint16_t port = 0, acquirer::MakeChannel channel = nullptr);
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    [[nodiscard]] std::int64_t requests();
    /// Closes all connections and the port.
    void stop() { server_->stop(); }

  private:
    void serve(Socket& socket);
    std::mutex mutex_;
    hsm::OpensslRandom random_;
    hsm::HsmEngine engine_;
    routing::IssuerModel model_;
    std::unique_ptr<Server> server_;
};

/// The memory store behind a committer thread, as RocksDB's stands behind one: done comes on another thread.
class ThreadedStore final : public ledger::Store {
  public:
    ThreadedStore();
    ~ThreadedStore() override;
    /// The next sync fails, and all after it.
    void fail_next_sync();
    void set_health(ledger::StoreHealth health);
    [[nodiscard]] int syncs() const { return syncs_.load(); }

    [[nodiscard]] iso8583::Result<std::optional<std::string>, ledger::StoreError> get(
        ledger::Family family, std::string_view key) const override {
        return store_.get(family, key);
    }
    iso8583::Result<void, ledger::StoreError> scan(ledger::Family family, std::string_view from,
                                                   std::string_view to,
                                                   const ledger::ScanVisitor& visit) const override {
        return store_.scan(family, from, to, visit);
    }
    iso8583::Result<void, ledger::StoreError> scan_back(ledger::Family family, std::string_view from,
                                                        std::string_view to,
                                                        const ledger::ScanVisitor& visit) const override {
        return store_.scan_back(family, from, to, visit);
    }
    void begin_sync(ledger::Batch batch, std::function<void()> done) override;
    iso8583::Result<void, ledger::StoreError> finish_sync() override;
    [[nodiscard]] std::shared_ptr<const ledger::StoreReader> snapshot() const override {
        return store_.snapshot();
    }
    [[nodiscard]] std::uint64_t last_turn_number() const override { return store_.last_turn_number(); }
    [[nodiscard]] ledger::StoreHealth health() const override;

  private:
    void commit();
    ledger::MemoryStore store_{ledger::MemoryStore::SyncMode::manual};
    std::atomic<bool> fail_{false};
    std::atomic<int> syncs_{0};
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::function<void()> done_;
    ledger::StoreHealth health_;
    bool stopping_ = false;
    std::thread committer_;
};

/// switch/config/demo.toml with another time-out for issuers.
acquirer::LoadedConfig demo_config(std::int32_t issuer_reply_timeout_ms);
ledger::PanVaultKey test_vault_key();

struct StackOptions {
    std::size_t shards = 1;
    std::uint16_t issuer_port = 0;
    acquirer::ShellBounds bounds;
    acquirer::TerminalSessionLimits terminal_limits;
    std::int32_t issuer_reply_timeout_ms = 5'000;
    acquirer::ControlHandler* control = nullptr;
    std::string control_path;
    /// Of the terminals' ports and of the issuers' connections.
    acquirer::MakeChannel terminal_channel = acquirer::plain_channel;
    acquirer::MakeChannel issuer_channel = acquirer::plain_channel;
    /// Instead of the embedded HSM.
    std::function<std::unique_ptr<acquirer::HsmAccess>(acquirer::Reactor&, acquirer::Log&,
                                                       acquirer::WallClock&)>
        hsm;
    std::function<acquirer::ConfigurationPtr(const acquirer::ConfigurationPtr&)> reload;
};

class Stack {
  public:
    explicit Stack(StackOptions options);
    ~Stack();
    /// As SIGTERM; returns what the process would.
    int stop();
    /// What run() returned by itself.
    int wait();

    [[nodiscard]] const acquirer::ListeningAt& at() const { return at_; }
    [[nodiscard]] std::string unionpay() const { return at_.terminals[0]; }
    [[nodiscard]] std::string iso() const { return at_.terminals[1]; }
    [[nodiscard]] std::string http(const std::string& target, const std::string& method = "GET") const;
    /// The value of one metric line by its name with labels; -1 when absent.
    [[nodiscard]] double metric(const std::string& name) const;
    /// Waits until a metric has at least this value. Asks again and again, for want of an event to wait for.
    bool wait_for_metric(const std::string& name, double at_least) const;
    ThreadedStore& store(std::size_t shard = 0) { return *shards_.at(shard)->store; }

  private:
    acquirer::WallClock clock_{iso8583::TimeZone::fixed(8 * 3600)};
    acquirer::Log log_{acquirer::Severity::alarm};
    acquirer::LoadedConfig config_;
    hsm::OpensslRandom random_;
    hsm::HsmEngine engine_;
    acquirer::Reactor reactor_;
    std::unique_ptr<acquirer::HsmAccess> hsm_;
    struct Shard {
        Shard(const acquirer::ConfigurationPtr& configuration, std::size_t index, std::size_t of);
        std::unique_ptr<ThreadedStore> store = std::make_unique<ThreadedStore>();
        ledger::PanVault vault;
        ledger::Overlay overlay;
        acquirer::SwitchCore core;
    };
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<acquirer::Runtime> runtime_;
    acquirer::ListeningAt at_;
    std::atomic<int> exit_code_{-1};
    std::thread thread_;
};

/// A terminal of the demo on a connection of its own.
class TerminalAt {
  public:
    TerminalAt(const std::string& address, peers::TerminalProfile profile, std::uint32_t number = 1);
    peers::Terminal& model() { return model_; }
    Socket& socket() { return socket_; }
    void send(const peers::Outgoing& request) { socket_.send(request.frame); }
    iso8583::Frame next_frame();
    void reconnect(const std::string& address);
    /// The next frame, judged as the reply to `request`. Throws what the terminal objects to.
    peers::Outcome receive(const peers::Outgoing& request);
    peers::Outcome ask(const peers::Outgoing& request) {
        send(request);
        return receive(request);
    }
    void sign_on();
    static iso8583::UtcTime now();

  private:
    peers::Terminal model_;
    Socket socket_;
    iso8583::FrameReader reader_;
};

inline const char* card_of_issuer_a = "6212345678900000003";

}  // namespace io_test
