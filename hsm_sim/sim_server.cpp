// hsm-sim: the engine behind TCP (host commands), with a metrics page and a control socket for officers. One
// thread; the only file of this room that knows Asio.
//
// A connection reads, executes every whole frame that has arrived, writes all answers at once and reads
// again: so several commands may be in flight, answers keep their order, and a peer that does not read stops
// being served.
#include "hsm_sim/sim_server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <set>

#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/officers.hpp"
#include "hsm_sim/sim_journal.hpp"
#include "hsm_sim/sim_metrics.hpp"
#include "hsm_sim/sim_options.hpp"

namespace hsm {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

std::int64_t seconds_now() {
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
    virtual ~Connection() = default;
    virtual void close(std::string_view why) = 0;
    /// No more reading; what has been answered still leaves.
    virtual void drain() = 0;
    virtual void tick(Clock::time_point now) = 0;
};

/// The common name of a client's certificate, for log and audit.
std::string subject_of(SSL* ssl) {
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
    Session(Stream stream, Service& service, std::set<Connection*>& all, std::string peer)
        : stream_(std::move(stream)), service_(service), all_(all), peer_(std::move(peer)) {
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
        if constexpr (std::is_same_v<Stream, tcp::socket>) {
            read();
        } else {
            begun_ = Clock::now();
            stream_.async_handshake(asio::ssl::stream_base::server,
                                    [self = this->shared_from_this()](error_code error) {
                                        if (error) return self->close("TLS handshake: " + error.message());
                                        self->begun_.reset();
                                        self->peer_ += " " + subject_of(self->stream_.native_handle());
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
        if (begun_ && now - *begun_ > frame) return close("a frame was not completed in time");
        const auto idle = std::chrono::seconds(service_.options.idle_seconds_max);
        if (idle.count() != 0 && now - active_at_ > idle) close("idle for too long");
    }

  private:
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
    std::vector<char> input_ = std::vector<char>(input_bytes);
    std::size_t filled_ = 0;
    std::string output_;
    std::optional<Clock::time_point> begun_;  // of an unfinished frame or handshake
    Clock::time_point active_at_ = Clock::now();
    bool closed_ = false;
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

class Server {
  public:
    Server(const SimOptions& options, HsmEngine& engine, SimJournal& journal, Officers& officers,
           HostCommands& commands)
        : options_(options),
          engine_(engine),
          journal_(journal),
          officers_(officers),
          service_{commands, journal, options, 0, 0, 0, [this] { fail(); }} {}

    int run() {
        if (!options_.tls_certificate.empty()) open_tls();
        open(acceptor_, options_.listen);
        std::string ready = "ready hsm=" + address_of(acceptor_);
        accept();
        if (!options_.metrics.empty()) {
            open(metrics_, options_.metrics);
            ready += " metrics=" + address_of(metrics_);
            accept_metrics();
        }
        if (!options_.control.empty()) {
            open_control();
            ready += " control=" + options_.control;
        }
        signals_.async_wait([this](error_code error, int) {
            if (!error) stop();
        });
        tick();
        std::cout << ready << std::endl;
        journal_.log("info", "ready", {{"listen", address_of(acceptor_)}, {"tls", tls_ ? "yes" : "no"}});
        io_.run();
        if (!options_.control.empty()) ::unlink(options_.control.c_str());
        journal_.log("info", "stopped", {{"audit_head", journal_.audit().head()}});
        return failed_ ? 1 : 0;
    }

  private:
    static std::string address_of(const tcp::acceptor& acceptor) {
        const auto endpoint = acceptor.local_endpoint();
        const std::string host = endpoint.address().to_string();
        return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
    }

    void open(tcp::acceptor& acceptor, const std::string& address) {
        const auto parsed = parse_host_port(address);
        ENSURE(parsed.has_value());
        tcp::resolver resolver(io_);
        const tcp::endpoint endpoint = *resolver.resolve(parsed->host, std::to_string(parsed->port)).begin();
        acceptor.open(endpoint.protocol());
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        acceptor.bind(endpoint);
        acceptor.listen();
    }

    void open_tls() {
        tls_.emplace(asio::ssl::context::tls_server);
        tls_->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1 |
                          asio::ssl::context::default_workarounds);
        tls_->use_certificate_chain_file(options_.tls_certificate);
        tls_->use_private_key_file(options_.tls_key, asio::ssl::context::pem);
        tls_->load_verify_file(options_.tls_client_ca);
        tls_->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }

    void accept() {
        acceptor_.async_accept([this](error_code error, tcp::socket socket) {
            if (stopping_) return;
            if (error) {
                // Out of descriptors, most likely: the next tick tries again instead of spinning.
                journal_.log("error", "accept_failed", {{"why", error.message()}});
                accept_paused_ = true;
                return;
            }
            welcome(std::move(socket));
            accept();
        });
    }

    void welcome(tcp::socket socket) {
        error_code error;
        const auto endpoint = socket.remote_endpoint(error);
        if (error) return;
        const std::string peer = endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
        if (service_.connections_open >= options_.connections_max) {
            journal_.log("warning", "connection_refused",
                         {{"peer", peer}, {"why", "all connections are in use"}});
            return;
        }
        socket.set_option(tcp::no_delay(true), error);
        journal_.log("info", "connection_opened", {{"peer", peer}});
        if (tls_)
            std::make_shared<Session<asio::ssl::stream<tcp::socket>>>(
                asio::ssl::stream<tcp::socket>(std::move(socket), *tls_), service_, connections_, peer)
                ->start();
        else
            std::make_shared<Session<tcp::socket>>(std::move(socket), service_, connections_, peer)->start();
    }

    void accept_metrics() {
        metrics_.async_accept([this](error_code error, tcp::socket socket) {
            if (stopping_) return;
            if (!error)
                std::make_shared<OneShot<tcp::socket>>(
                    std::move(socket), "\r\n\r\n",
                    [this](std::string_view request) {
                        return http_answer(request,
                                           {engine_, service_.commands, journal_, service_.connections_open,
                                            service_.connections_total, service_.busy_us});
                    })
                    ->start();
            accept_metrics();
        });
    }

    void open_control() {
        using Local = asio::local::stream_protocol;
        ::unlink(options_.control.c_str());
        // Nobody but this user may speak to the socket, from its first moment on.
        const mode_t before = ::umask(S_IRWXG | S_IRWXO | S_IXUSR);
        control_.open();
        control_.bind(Local::endpoint(options_.control));
        ::umask(before);
        control_.listen();
        accept_control();
    }

    void accept_control() {
        using Local = asio::local::stream_protocol;
        control_.async_accept([this](error_code error, Local::socket socket) {
            if (stopping_) return;
            if (!error)
                std::make_shared<OneShot<Local::socket>>(
                    std::move(socket), "\n",
                    [this](std::string_view line) {
                        return officers_.command(line.substr(0, line.size() - 1), seconds_now()) + "\n";
                    })
                    ->start();
            accept_control();
        });
    }

    void tick() {
        timer_.expires_after(std::chrono::seconds(1));
        timer_.async_wait([this](error_code error) {
            if (error) return;
            if (std::exchange(accept_paused_, false)) accept();
            const auto now = Clock::now();
            const std::set<Connection*> all = connections_;
            for (Connection* connection : all) connection->tick(now);
            officers_.tick(seconds_now());
            service_.commands.note_load(seconds_now(), 0);
            journal_.tick();
            if (journal_.audit_failed()) return fail();
            tick();
        });
    }

    void stop_accepting() {
        stopping_ = true;
        error_code ignored;
        acceptor_.close(ignored);
        metrics_.close(ignored);
        control_.close(ignored);
        signals_.cancel(ignored);
        timer_.cancel();
    }

    void stop() {
        if (stopping_) return;
        journal_.log("info", "stopping", {{"connections", std::to_string(service_.connections_open)}});
        stop_accepting();
        const std::set<Connection*> all = connections_;
        for (Connection* connection : all) connection->drain();
        if (connections_.empty()) return;
        timer_.expires_after(std::chrono::seconds(options_.drain_seconds_max));
        timer_.async_wait([this](error_code error) {
            if (!error) close_all("the drain took too long");
        });
        // The last session to end leaves the timer alone; looking once in a while keeps the stop short.
        wait_for_the_last();
    }

    void wait_for_the_last() {
        last_.expires_after(std::chrono::milliseconds(20));
        last_.async_wait([this](error_code error) {
            if (error) return;
            if (connections_.empty())
                timer_.cancel();
            else
                wait_for_the_last();
        });
    }

    void fail() {
        failed_ = true;
        stop_accepting();
        close_all("the audit cannot be written, nothing more is answered");
    }

    void close_all(std::string_view why) {
        const std::set<Connection*> all = connections_;
        for (Connection* connection : all) connection->close(why);
    }

    const SimOptions& options_;
    HsmEngine& engine_;
    SimJournal& journal_;
    Officers& officers_;
    asio::io_context io_{1};
    std::set<Connection*> connections_;
    Service service_;
    std::optional<asio::ssl::context> tls_;
    tcp::acceptor acceptor_{io_};
    tcp::acceptor metrics_{io_};
    asio::local::stream_protocol::acceptor control_{io_};
    asio::signal_set signals_{io_, SIGTERM, SIGINT};
    asio::steady_timer timer_{io_};
    asio::steady_timer last_{io_};
    bool stopping_ = false;
    bool accept_paused_ = false;
    bool failed_ = false;
};

}  // namespace

int run_server(const SimOptions& options, HsmEngine& engine, SimJournal& journal, Officers& officers,
               HostCommands& commands) {
    Server server(options, engine, journal, officers, commands);
    return server.run();
}

}  // namespace hsm
