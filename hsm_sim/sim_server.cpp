// hsm-sim: the engine behind TCP (host commands), with a metrics page and a control socket for officers. One
// thread; with sim_session.hpp the only file of this room that knows Asio.
//
// A connection reads, executes every whole frame that has arrived, writes all answers at once and reads
// again: so several commands may be in flight, answers keep their order, and a peer that does not read stops
// being served.
#include "hsm_sim/sim_server.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>

#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/officers.hpp"
#include "hsm_sim/sim_journal.hpp"
#include "hsm_sim/sim_metrics.hpp"
#include "hsm_sim/sim_options.hpp"
#include "hsm_sim/sim_session.hpp"

namespace hsm {
namespace {

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
        open(acceptor_, "--listen", options_.listen);
        std::string ready = "ready hsm=" + address_of(acceptor_);
        accept();
        if (!options_.metrics.empty()) {
            open(metrics_, "--metrics", options_.metrics);
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
        journal_.note_head();
        journal_.log("info", "stopped", {{"audit_head", journal_.audit().head()}});
        return failed_ ? 1 : 0;
    }

  private:
    static std::string address_of(const tcp::acceptor& acceptor) {
        const auto endpoint = acceptor.local_endpoint();
        const std::string host = endpoint.address().to_string();
        return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
    }

    void open(tcp::acceptor& acceptor, const char* option, const std::string& address) try {
        const auto parsed = parse_host_port(address);
        ENSURE(parsed.has_value());
        tcp::resolver resolver(io_);
        const tcp::endpoint endpoint = *resolver.resolve(parsed->host, std::to_string(parsed->port)).begin();
        acceptor.open(endpoint.protocol());
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        acceptor.bind(endpoint);
        acceptor.listen();
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error(std::string(option) + " " + address + ": " + error.code().message());
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
        const std::string address = endpoint.address().to_string();
        const std::string peer = address + ":" + std::to_string(endpoint.port());
        if (places_taken() >= options_.connections_max && !make_room()) {
            journal_.log("warning", "connection_refused",
                         {{"peer", peer}, {"why", "all connections are in use"}});
            return;
        }
        socket.set_option(tcp::no_delay(true), error);
        journal_.log("info", "connection_opened", {{"peer", peer}});
        if (tls_)
            std::make_shared<Session<asio::ssl::stream<tcp::socket>>>(
                asio::ssl::stream<tcp::socket>(std::move(socket), *tls_), service_, connections_, address,
                peer)
                ->start();
        else
            std::make_shared<Session<tcp::socket>>(std::move(socket), service_, connections_, address, peer)
                ->start();
    }

    [[nodiscard]] std::size_t places_taken() const {
        return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                      [](const Connection* c) { return !c->closed(); }));
    }

    /// Who has proven nothing makes room, so that half handshakes shut nobody out: of the address that has
    /// the most of them, the oldest.
    bool make_room() {
        std::map<std::string_view, std::size_t> unproven;
        for (const Connection* c : connections_)
            if (!c->closed() && !c->is_proven()) ++unproven[c->address()];
        Connection* leaves = nullptr;
        for (Connection* c : connections_) {
            if (c->closed() || c->is_proven()) continue;
            const auto rank = [&](const Connection* of) {
                return std::pair(unproven[of->address()], -of->opened().time_since_epoch());
            };
            if (leaves == nullptr || rank(c) > rank(leaves)) leaves = c;
        }
        if (leaves == nullptr) return false;
        leaves->close("makes room: has not shaken hands or sent a command");
        return true;
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
        const auto fault = [this](const std::string& what) {
            return std::runtime_error("--control " + options_.control + ": " + what);
        };
        if (options_.control.size() >= sizeof(sockaddr_un::sun_path))
            throw fault("the path is longer than a socket's name can be");
        // A socket that a killed run left behind; never a file of somebody else's.
        struct stat there {};
        if (::lstat(options_.control.c_str(), &there) == 0) {
            if (!S_ISSOCK(there.st_mode)) throw fault("there is a file that is no socket");
            ::unlink(options_.control.c_str());
        }
        // Nobody but this user may speak to the socket, from its first moment on.
        const mode_t before = ::umask(S_IRWXG | S_IRWXO | S_IXUSR);
        error_code error;
        control_.open(Local(), error);
        if (!error) control_.bind(Local::endpoint(options_.control), error);
        ::umask(before);
        if (!error) control_.listen(asio::socket_base::max_listen_connections, error);
        if (error) throw fault(error.message());
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
