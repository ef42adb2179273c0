#include "switch/io/reactor.hpp"

#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>

#include "switch/io/socket_stream.hpp"

namespace acquirer {

namespace asio = boost::asio;
using boost::system::error_code;
using iso8583::Instant;
using iso8583::parse_error;

namespace {

constexpr int accept_backlog = 1024;
// Out of descriptors: accepting again at once would spin.
constexpr std::chrono::milliseconds accept_pause{100};

std::chrono::steady_clock::time_point time_point(Instant when) {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(when.ms));
}

std::string text(const asio::ip::tcp::endpoint& at) {
    const std::string host = at.address().to_string();
    return (at.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(at.port());
}

class SocketAlarm final : public Alarm {
  public:
    SocketAlarm(asio::io_context& context, std::function<void()> on_due)
        : timer_(context), on_due_(std::make_shared<std::function<void()>>(std::move(on_due))) {}
    void set(Instant when) override {
        timer_.expires_at(time_point(when));
        timer_.async_wait(
            [due = std::weak_ptr(on_due_), set = ++*sets_, sets = sets_](const error_code& error) {
                // A wait that was already due when the alarm was moved or destroyed comes without an error.
                const auto call = due.lock();
                if (!error && call && set == *sets) (*call)();
            });
    }
    void cancel() override {
        ++*sets_;
        timer_.cancel();
    }

  private:
    asio::steady_timer timer_;
    std::shared_ptr<std::function<void()>> on_due_;
    std::shared_ptr<std::uint64_t> sets_ = std::make_shared<std::uint64_t>(0);
};

/// Whether the listeners of a reactor can accept, told when it changes. A stranger who opens connections
/// until the descriptors are spent makes two lines of log, however often accepting fails in between.
class AcceptState {
  public:
    explicit AcceptState(asio::io_context& context) : quiet_(context) {}
    void on_fault(Reactor::OnAcceptFault call) { on_fault_ = std::move(call); }
    void failed(const std::string& why) {
        if (!std::exchange(failing_, true) && on_fault_) on_fault_(why);
        quiet_.expires_after(std::chrono::milliseconds(Reactor::accept_recovered_ms));
        quiet_.async_wait([this](const error_code& error) {
            if (error) return;  // it failed again
            failing_ = false;
            if (on_fault_) on_fault_("");
        });
    }

  private:
    asio::steady_timer quiet_;
    Reactor::OnAcceptFault on_fault_;
    bool failing_ = false;
};

/// What a listener's callbacks share; `on_accept` is empty once the listener is gone.
template <typename Protocol>
struct Accepting : std::enable_shared_from_this<Accepting<Protocol>> {
    Accepting(asio::io_context& context, AcceptState& shared_state, MakeChannel make_channel,
              Reactor::OnAccept call)
        : acceptor(context),
          pause(context),
          state(shared_state),
          channel(std::move(make_channel)),
          on_accept(std::move(call)) {}

    void accept_next() {
        acceptor.async_accept(
            [self = this->shared_from_this()](const error_code& error, typename Protocol::socket socket) {
                if (!self->on_accept) return;
                if (error == asio::error::operation_aborted) return;
                if (error) return self->accept_later(error);
                self->on_accept(self->stream_of(std::move(socket)));
                if (self->on_accept) self->accept_next();
            });
    }
    void accept_later(const error_code& error) {
        // A peer that left before it was accepted is no fault of ours.
        if (error != asio::error::connection_aborted) state.failed(error.message());
        pause.expires_after(accept_pause);
        pause.async_wait([self = this->shared_from_this()](const error_code& cancelled) {
            if (!cancelled && self->on_accept) self->accept_next();
        });
    }
    std::shared_ptr<Stream> stream_of(typename Protocol::socket socket) {
        std::string peer = "local";
        if constexpr (std::is_same_v<Protocol, asio::ip::tcp>) {
            error_code ignored;
            socket.set_option(asio::ip::tcp::no_delay(true), ignored);
            const auto remote = socket.remote_endpoint(ignored);
            peer = text(remote);
        }
        return socket_stream(AnySocket(std::move(socket)), std::move(peer), channel());
    }

    typename Protocol::acceptor acceptor;
    asio::steady_timer pause;
    AcceptState& state;
    MakeChannel channel;
    Reactor::OnAccept on_accept;
};

template <typename Protocol>
class SocketListener final : public Listener {
  public:
    SocketListener(std::shared_ptr<Accepting<Protocol>> accepting, std::string address,
                   std::string unlink_path)
        : accepting_(std::move(accepting)),
          address_(std::move(address)),
          unlink_path_(std::move(unlink_path)) {
        accepting_->accept_next();
    }
    ~SocketListener() override {
        accepting_->on_accept = nullptr;
        error_code ignored;
        accepting_->acceptor.close(ignored);
        accepting_->pause.cancel();
        if (!unlink_path_.empty()) ::unlink(unlink_path_.c_str());
    }
    std::string address() const override { return address_; }

  private:
    std::shared_ptr<Accepting<Protocol>> accepting_;
    std::string address_;
    std::string unlink_path_;
};

using UserTimeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;

/// One attempt to connect: resolving, connecting, and the time-out that ends both.
struct Connecting : std::enable_shared_from_this<Connecting> {
    Connecting(asio::io_context& context, MakeChannel make_channel, std::int32_t user_timeout,
               Reactor::OnConnect call)
        : user_timeout_ms(user_timeout),
          resolver(context),
          socket(context),
          timer(context),
          channel(std::move(make_channel)),
          on_connect(std::move(call)) {}

    void begin(const SocketAddress& to, std::int32_t timeout_ms) {
        name = to.str();
        timer.expires_after(std::chrono::milliseconds(timeout_ms));
        timer.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) self->finish(parse_error(self->name + ": no connection in time"));
        });
        resolver.async_resolve(to.host, std::to_string(to.port),
                               [self = shared_from_this()](const error_code& error, const auto& found) {
                                   if (error)
                                       return self->finish(parse_error(self->name + ": " + error.message()));
                                   if (self->on_connect) self->connect(found);
                               });
    }
    void connect(const asio::ip::tcp::resolver::results_type& found) {
        asio::async_connect(socket, found, [self = shared_from_this()](const error_code& error, const auto&) {
            if (error) return self->finish(parse_error(self->name + ": " + error.message()));
            error_code ignored;
            self->socket.set_option(asio::ip::tcp::no_delay(true), ignored);
            if (self->user_timeout_ms > 0)
                self->socket.set_option(UserTimeout(self->user_timeout_ms), ignored);
            self->finish(socket_stream(AnySocket(std::move(self->socket)), self->name, self->channel()));
        });
    }
    void finish(iso8583::Result<std::shared_ptr<Stream>> result) {
        if (!on_connect) return;
        const auto call = std::exchange(on_connect, nullptr);
        timer.cancel();
        resolver.cancel();
        if (!result) {
            error_code ignored;
            socket.close(ignored);
        }
        call(std::move(result));
    }

    std::int32_t user_timeout_ms;
    asio::ip::tcp::resolver resolver;
    asio::ip::tcp::socket socket;
    asio::steady_timer timer;
    MakeChannel channel;
    Reactor::OnConnect on_connect;
    std::string name;
};

}  // namespace

struct Reactor::World {
    std::int32_t user_timeout_ms = 0;  // of connections that connect() makes
    asio::io_context context{1};       // one thread runs it: Asio leaves its locks out where it can
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
    std::list<asio::signal_set> signals;
    AcceptState accept_state{context};
    std::function<void()> after_each = [] {};

    void wait_for(asio::signal_set& set, const std::shared_ptr<std::function<void()>>& call) {
        set.async_wait([this, &set, call](const error_code& error, int) {
            if (error) return;
            (*call)();
            wait_for(set, call);
        });
    }
};

iso8583::IpAddress Stream::address() const {
    const std::string text = peer();
    std::string_view host = std::string_view(text).substr(0, text.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    host = host.substr(0, host.find('%'));  // the zone of a link-local one
    return iso8583::IpAddress::parse(host).value_or(iso8583::IpAddress());
}

std::string SocketAddress::str() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Reactor::Reactor() : world_(std::make_unique<World>()) {}
Reactor::~Reactor() = default;

void Reactor::run() {
    world_->context.restart();
    while (world_->context.run_one() != 0) world_->after_each();
}
void Reactor::after_each(std::function<void()> call) { world_->after_each = std::move(call); }
void Reactor::stop() { world_->context.stop(); }
void Reactor::post(std::function<void()> what) { asio::post(world_->context, std::move(what)); }

Instant Reactor::now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

iso8583::Result<std::unique_ptr<Listener>> Reactor::listen(const SocketAddress& at, MakeChannel channel,
                                                           OnAccept on_accept) {
    error_code error;
    asio::ip::tcp::resolver resolver(world_->context);
    const auto found =
        resolver.resolve(at.host, std::to_string(at.port), asio::ip::tcp::resolver::passive, error);
    if (error || found.empty()) return parse_error("listen on " + at.str() + ": " + error.message());
    const asio::ip::tcp::endpoint endpoint = found.begin()->endpoint();
    auto accepting = std::make_shared<Accepting<asio::ip::tcp>>(world_->context, world_->accept_state,
                                                                std::move(channel), std::move(on_accept));
    auto& acceptor = accepting->acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    // [::] takes IPv4 as well, whatever the system's default is.
    if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(accept_backlog, error);
    if (error) return parse_error("listen on " + at.str() + ": " + error.message());
    std::string bound = text(acceptor.local_endpoint(error));
    return std::make_unique<SocketListener<asio::ip::tcp>>(std::move(accepting), std::move(bound), "");
}

iso8583::Result<std::unique_ptr<Listener>> Reactor::listen_unix(const std::string& path,
                                                                std::optional<std::uint32_t> group,
                                                                OnAccept on_accept) {
    using Unix = asio::local::stream_protocol;
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return parse_error("listen on " + path + ": the path is longer than a socket's name can be");
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0) {
        if (!S_ISSOCK(there.st_mode))
            return parse_error("listen on " + path + ": there is a file that is no socket");
        ::unlink(path.c_str());
    }
    auto accepting = std::make_shared<Accepting<Unix>>(world_->context, world_->accept_state, plain_channel,
                                                       std::move(on_accept));
    auto& acceptor = accepting->acceptor;
    error_code error;
    acceptor.open(Unix(), error);
    // The file must never exist with wider rights, not even for a moment.
    const mode_t before = ::umask(S_IRWXG | S_IRWXO | S_IXUSR);
    if (!error) acceptor.bind(Unix::endpoint(path), error);
    ::umask(before);
    if (!error && group) {
        // First whose it is, then what they may.
        const bool given = ::chown(path.c_str(), static_cast<uid_t>(-1), *group) == 0 &&
                           ::chmod(path.c_str(), S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) == 0;
        if (!given) error = error_code(errno, boost::system::system_category());
    }
    if (!error) acceptor.listen(accept_backlog, error);
    if (error) return parse_error("listen on " + path + ": " + error.message());
    return std::make_unique<SocketListener<Unix>>(std::move(accepting), path, path);
}

void Reactor::on_accept_fault(OnAcceptFault on_fault) { world_->accept_state.on_fault(std::move(on_fault)); }

void Reactor::give_up_unacknowledged_after(std::int32_t ms) { world_->user_timeout_ms = ms; }

void Reactor::connect(const SocketAddress& to, std::int32_t timeout_ms, MakeChannel channel,
                      OnConnect on_connect) {
    std::make_shared<Connecting>(world_->context, std::move(channel), world_->user_timeout_ms,
                                 std::move(on_connect))
        ->begin(to, timeout_ms);
}

std::unique_ptr<Alarm> Reactor::alarm(std::function<void()> on_due) {
    return std::make_unique<SocketAlarm>(world_->context, std::move(on_due));
}

void Reactor::on_signal(int signal_number, std::function<void()> on_signal) {
    world_->signals.emplace_back(world_->context, signal_number);
    world_->wait_for(world_->signals.back(), std::make_shared<std::function<void()>>(std::move(on_signal)));
}

}  // namespace acquirer
