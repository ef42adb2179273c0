// Connections of hsm-sim: sessions of host commands, with TLS and without, and one-shot answers for
// monitoring and officers. Part of sim_server.cpp, the only one to include it, so that Asio stays there.
//
// Ownership: handlers hold a session by shared_ptr and nobody else owns it. Thread: the server's one.
#pragma once

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/sim_journal.hpp"
#include "hsm_sim/sim_options.hpp"

namespace hsm {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

inline std::int64_t seconds_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// What connections need of the server.
struct Service {
    HostCommands& commands;
    SimJournal& journal;
    const SimOptions& options;
    std::uint64_t connections_open = 0;
    std::uint64_t connections_total = 0;
    std::uint64_t busy_us = 0;
    std::function<void()> stop;  // the audit is gone: nothing may be answered any more
};

class Connection {
  public:
    explicit Connection(std::string address) : address_(std::move(address)) {}
    virtual ~Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual void close(std::string_view why) = 0;
    [[nodiscard]] virtual bool closed() const = 0;
    /// Has shaken hands; without TLS: has sent a whole command. Others make room when all places are taken.
    [[nodiscard]] virtual bool is_proven() const = 0;
    [[nodiscard]] Clock::time_point opened() const { return opened_; }
    /// Of the peer, without its port.
    [[nodiscard]] const std::string& address() const { return address_; }
    /// No more reading; what has been answered still leaves.
    virtual void drain() = 0;
    virtual void tick(Clock::time_point now) = 0;

  private:
    std::string address_;
    Clock::time_point opened_ = Clock::now();
};

/// The common name of a client's certificate, for log and audit.
inline std::string subject_of(SSL* ssl) {
    X509* certificate = SSL_get1_peer_certificate(ssl);
    if (certificate == nullptr) return "no certificate";
    std::array<char, 128> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
    X509_free(certificate);
    return "CN=" + std::string(name.data());
}

/// Handlers hold the session by shared_ptr and nobody else owns it; it ends when its last operation has.
template <typename Stream>
class Session final : public Connection, public std::enable_shared_from_this<Session<Stream>> {
  public:
    Session(Stream stream, Service& service, std::set<Connection*>& all, std::string address,
            std::string peer)
        : Connection(std::move(address)),
          stream_(std::move(stream)),
          service_(service),
          all_(all),
          peer_(std::move(peer)),
          client_(this->address()) {
        all_.insert(this);
        ++service_.connections_open;
        ++service_.connections_total;
    }
    ~Session() override {
        all_.erase(this);
        --service_.connections_open;
        iso8583::zeroise(input_.data(), input_.size());
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void start() {
        if constexpr (!is_tls) {
            read();
        } else {
            stream_.async_handshake(asio::ssl::stream_base::server,
                                    [self = this->shared_from_this()](error_code error) {
                                        if (error) return self->close("TLS handshake: " + error.message());
                                        self->proven_ = true;
                                        self->client_ = subject_of(self->stream_.native_handle());
                                        self->peer_ += " " + self->client_;
                                        self->read();
                                    });
        }
    }

    void close(std::string_view why) override {
        if (closed_) return;
        closed_ = true;
        service_.journal.log("info", "connection_closed", {{"peer", peer_}, {"why", std::string(why)}});
        error_code ignored;
        stream_.lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
        stream_.lowest_layer().close(ignored);
    }

    [[nodiscard]] bool closed() const override { return closed_; }
    [[nodiscard]] bool is_proven() const override { return proven_; }

    void drain() override {
        draining_ = true;
        if (!writing_) close("the HSM stops");
    }

    void tick(Clock::time_point now) override {
        const auto frame = std::chrono::seconds(service_.options.frame_seconds_max);
        // While answers wait to leave, nothing is read, and an unfinished frame is nobody's fault.
        if (writing_) {
            if (now - active_at_ > frame) close("answers are not read");
            return;
        }
        const bool shakes_hands = is_tls && !proven_;
        if (shakes_hands && now - opened() > std::chrono::seconds(service_.options.handshake_seconds_max))
            return close("the TLS handshake was not completed in time");
        if (begun_ && now - *begun_ > frame) return close("a frame was not completed in time");
        const auto idle = std::chrono::seconds(service_.options.idle_seconds_max);
        if (idle.count() != 0 && now - active_at_ > idle) close("idle for too long");
    }

  private:
    static constexpr bool is_tls = !std::is_same_v<Stream, tcp::socket>;
    // Room for the largest frame and for a batch behind it.
    static constexpr std::size_t input_bytes = 2 * (host_frame_bytes_max + 2);
    static constexpr std::size_t output_bytes_max = std::size_t{256} * 1024;

    void read() {
        if (closed_) return;
        if (draining_) return close("the HSM stops");
        const auto space = asio::buffer(input_.data() + filled_, input_.size() - filled_);
        stream_.async_read_some(
            space, [self = this->shared_from_this()](error_code error, std::size_t bytes) {
                if (self->closed_) return;
                if (error)
                    return self->close(error == asio::error::eof ? "closed by the peer" : error.message());
                self->filled_ += bytes;
                self->serve();
            });
    }

    /// Executes what is there; at the output's bound the rest waits until the answers have left.
    void serve() {
        const auto from = Clock::now();
        active_at_ = from;
        service_.journal.set_who(peer_);
        service_.commands.serve_client(client_);
        std::size_t used = 0;
        std::string_view why;
        while (output_.size() < output_bytes_max) {
            const FrameSplit split = split_frame({input_.data() + used, filled_ - used});
            if (split.state == FrameSplit::State::too_long) why = "a frame is longer than the bound";
            if (split.state != FrameSplit::State::frame) break;
            const auto answer = service_.commands.execute(split.frame);
            if (!answer) {
                why = "a frame is too short for header and command";
                break;
            }
            if (service_.journal.audit_failed()) return service_.stop();
            iso8583::append_be16(output_, static_cast<std::uint16_t>(answer->size()));
            output_ += *answer;
            proven_ = true;
            used += split.bytes_used;
        }
        std::memmove(input_.data(), input_.data() + used, filled_ - used);
        filled_ -= used;
        begun_ = filled_ == 0 ? std::nullopt : used != 0 || !begun_ ? std::optional(from) : begun_;
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - from).count();
        service_.busy_us += static_cast<std::uint64_t>(us);
        service_.commands.note_load(seconds_now(), static_cast<std::uint32_t>(us));
        if (!why.empty()) return close(why);
        output_.empty() ? read() : write();
    }

    void write() {
        writing_ = true;
        asio::async_write(stream_, asio::buffer(output_),
                          [self = this->shared_from_this()](error_code error, std::size_t) {
                              self->writing_ = false;
                              self->output_.clear();
                              if (self->closed_) return;
                              if (error) return self->close(error.message());
                              if (self->draining_) return self->close("the HSM stops");
                              self->serve();
                          });
    }

    Stream stream_;
    Service& service_;
    std::set<Connection*>& all_;
    std::string peer_;
    std::string client_;  // for the count of failed PINs: the certificate's name, without TLS the address
    std::vector<char> input_ = std::vector<char>(input_bytes);
    std::size_t filled_ = 0;
    std::string output_;
    std::optional<Clock::time_point> begun_;  // of an unfinished frame or handshake
    Clock::time_point active_at_ = Clock::now();
    bool closed_ = false;
    bool proven_ = false;
    bool draining_ = false;
    bool writing_ = false;
};

/// One line in, one text out, then closed: the metrics page and the control socket.
template <typename Socket>
class OneShot final : public std::enable_shared_from_this<OneShot<Socket>> {
  public:
    static constexpr std::size_t request_bytes_max = 4096;
    using Answer = std::function<std::string(std::string_view)>;

    OneShot(Socket socket, std::string end, Answer answer)
        : socket_(std::move(socket)),
          timer_(socket_.get_executor()),
          end_(std::move(end)),
          answer_(std::move(answer)) {}
    ~OneShot() { iso8583::zeroise(text_.data(), text_.size()); }
    OneShot(const OneShot&) = delete;
    OneShot& operator=(const OneShot&) = delete;

    void start() {
        text_.reserve(request_bytes_max);
        timer_.expires_after(std::chrono::seconds(10));
        timer_.async_wait([self = this->shared_from_this()](error_code error) {
            if (!error) self->socket_.close();
        });
        asio::async_read_until(socket_, asio::dynamic_buffer(text_, request_bytes_max), end_,
                               [self = this->shared_from_this()](error_code error, std::size_t bytes) {
                                   if (error) return self->finish();
                                   self->out_ = self->answer_(std::string_view(self->text_).substr(0, bytes));
                                   self->write();
                               });
    }

  private:
    void write() {
        asio::async_write(socket_, asio::buffer(out_),
                          [self = this->shared_from_this()](error_code, std::size_t) { self->finish(); });
    }
    void finish() {
        timer_.cancel();
        error_code ignored;
        socket_.shutdown(Socket::shutdown_both, ignored);
        socket_.close(ignored);
    }

    Socket socket_;
    asio::steady_timer timer_;
    std::string end_;
    Answer answer_;
    std::string text_;
    std::string out_;
};

}  // namespace hsm
