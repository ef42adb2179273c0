#include "routing/issuer_sim/issuer_server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <chrono>
#include <queue>
#include <unordered_set>

#include "iso8583/framing.hpp"
#include "routing/issuer_sim/issuer_journal.hpp"
#include "routing/issuer_sim/issuer_key_file.hpp"
#include "switch/io/tls.hpp"

namespace routing {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

iso8583::UtcTime utc_now() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count()};
}

iso8583::Result<tcp::endpoint> parse_endpoint(const std::string& text) {
    const auto colon = text.rfind(':');
    error_code error;
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const auto address = asio::ip::make_address(host, error);
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (error || port.empty() || port.size() > 5 || !iso8583::all_digits(port) || std::stoul(port) > 65'535)
        return iso8583::parse_error("listen: ADDRESS:PORT is needed, as in 127.0.0.1:8601 or [::1]:8601");
    return tcp::endpoint(address, static_cast<std::uint16_t>(std::stoul(port)));
}

std::string describe(const tcp::endpoint& e) {
    const std::string host = e.address().to_string();
    return (e.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(e.port());
}

}  // namespace

/// One connection of a switch. Two buffers take turns: one is being written, answers collect in the other.
struct Link : std::enable_shared_from_this<Link> {
    Link(tcp::socket s, const iso8583::FramingSpec& spec, std::unique_ptr<acquirer::ByteChannel> c)
        : socket(std::move(s)), channel(std::move(c)), reader(spec) {}

    tcp::socket socket;
    std::unique_ptr<acquirer::ByteChannel> channel;
    iso8583::Bytes wire;  // what the channel says by itself; goes out before what is sealed next
    iso8583::FrameReader reader;
    std::array<std::uint8_t, 1U << 16> input{};
    iso8583::Bytes outbox, writing;
    void say(iso8583::ByteView bytes) { wire.insert(wire.end(), bytes.begin(), bytes.end()); }

    bool dirty = false;    // waits for the flush
    bool closing = false;  // closes after what it still writes
    bool closed = false;
};

/// One connection of the control socket.
struct ControlLink : std::enable_shared_from_this<ControlLink> {
    ControlLink(asio::local::stream_protocol::socket s, std::size_t line_bytes_max)
        : socket(std::move(s)), buffer(line_bytes_max) {}
    asio::local::stream_protocol::socket socket;
    asio::streambuf buffer;
    std::string reply;
};

struct IssuerServer::Parts {
    using LinkPtr = std::shared_ptr<Link>;
    using ControlLinkPtr = std::shared_ptr<ControlLink>;
    struct Delayed {
        Clock::time_point due;
        std::uint64_t order = 0;  // equal times leave in the order they came
        std::weak_ptr<Link> link;
        iso8583::Bytes frame;
        bool operator>(const Delayed& o) const { return due != o.due ? due > o.due : order > o.order; }
    };

    Parts(IssuerSimOptions o, hsm::HsmEngine& e)
        : options(std::move(o)), engine(e), framing(options.issuer.dialect->framing()) {}

    iso8583::Result<std::string> open();
    iso8583::Result<void> open_control();
    void accept();
    void accept_control();
    void read(const LinkPtr& link);
    void take_frames(const LinkPtr& link, std::size_t bytes);
    void carry_out(std::vector<IssuerAction>& actions, const LinkPtr& link);
    void put_out(const LinkPtr& link, const iso8583::Bytes& body);
    void put_off(const LinkPtr& link, const SendAnswer& answer);
    void arm_timer();
    void send_due();
    void mark(const LinkPtr& link);
    void flush();
    void write(const LinkPtr& link);
    void close(const LinkPtr& link);
    void read_control(const ControlLinkPtr& link);
    void fail(std::string why);
    void keep_keys();
    [[nodiscard]] std::string key_file() const { return options.journal + ".keys"; }

    IssuerSimOptions options;
    hsm::HsmEngine& engine;
    iso8583::FramingSpec framing;
    std::unique_ptr<IssuerModel> model;
    IssuerJournal journal;
    asio::io_context io{1};
    tcp::acceptor acceptor{io};
    acquirer::MakeChannel make_channel = acquirer::plain_channel;
    asio::local::stream_protocol::acceptor control_acceptor{io};
    asio::signal_set signals{io, SIGTERM, SIGINT};
    asio::steady_timer timer{io};
    Clock::time_point timer_due = Clock::time_point::max();
    std::unordered_set<LinkPtr> links;
    std::vector<LinkPtr> dirty;
    std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> delayed;
    std::uint64_t delayed_order = 0;
    std::size_t control_links = 0;
    bool flush_posted = false;
    std::int64_t key_changes_kept = 0;
    std::vector<IssuerAction> actions;  // reused
    std::optional<std::string> failed;
};

IssuerServer::IssuerServer(IssuerSimOptions options, hsm::HsmEngine& engine)
    : parts_(std::make_unique<Parts>(std::move(options), engine)) {}
IssuerServer::~IssuerServer() {
    if (parts_->control_acceptor.is_open()) ::unlink(parts_->options.control.c_str());
}

iso8583::Result<std::string> IssuerServer::open() { return parts_->open(); }

iso8583::Result<void> IssuerServer::run() {
    Parts& p = *parts_;
    p.io.run();
    if (p.failed) return iso8583::parse_error(*p.failed);
    // What was booked and not written yet: its answers have not left either, but the journal is the issuer's
    // word.
    return p.journal.flush();
}

iso8583::Result<std::string> IssuerServer::Parts::open() {
    model = std::make_unique<IssuerModel>(options.issuer, engine);
    if (!options.journal.empty()) {
        const auto read_back = [this](std::string_view text) -> iso8583::Result<void> {
            const auto line = parse_journal_line(text);
            return line ? model->read_back(*line) : tl::unexpected(line.error());
        };
        if (auto opened = journal.open(options.journal, options.durable, read_back); !opened)
            return tl::unexpected(opened.error());
        auto keys = read_key_file(key_file());
        if (!keys) return tl::unexpected(keys.error());
        if (*keys) model->restore_keys(**keys);
    }
    if (!options.tls_certificate.empty()) {
        using acquirer::TlsContext;
        auto context =
            TlsContext::open(TlsContext::Side::server,
                             {options.tls_certificate, options.tls_key, options.tls_client_ca, {}, false});
        if (!context) return tl::unexpected(context.error());
        make_channel = acquirer::tls_channels(*context);
    }
    auto endpoint = parse_endpoint(options.listen);
    if (!endpoint) return tl::unexpected(endpoint.error());
    error_code error;
    acceptor.open(endpoint->protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(*endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return iso8583::parse_error("listen " + options.listen + ": " + error.message());
    if (auto opened = open_control(); !opened) return tl::unexpected(opened.error());
    signals.async_wait([this](error_code e, int) {
        if (!e) io.stop();
    });
    accept();
    return "ready issuer=" + describe(acceptor.local_endpoint()) +
           " control=" + (options.control.empty() ? "none" : options.control);
}

iso8583::Result<void> IssuerServer::Parts::open_control() {
    if (options.control.empty()) return {};
    struct stat status {};
    // A socket that a killed run left behind; never a file of somebody else's.
    if (::lstat(options.control.c_str(), &status) == 0) {
        if (!S_ISSOCK(status.st_mode))
            return iso8583::parse_error("control " + options.control + ": is there and is no socket");
        ::unlink(options.control.c_str());
    }
    try {
        const asio::local::stream_protocol::endpoint endpoint(options.control);
        control_acceptor.open(endpoint.protocol());
        control_acceptor.bind(endpoint);
        control_acceptor.listen();
    } catch (const boost::system::system_error& e) {
        return iso8583::parse_error("control " + options.control + ": " + e.code().message());
    }
    accept_control();
    return {};
}

void IssuerServer::Parts::accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (!error && links.size() < links_max) {
            error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            auto link = std::make_shared<Link>(std::move(socket), framing, make_channel());
            links.insert(link);
            link->say(link->channel->begin());
            read(link);
        }
        accept();
    });
}

void IssuerServer::Parts::read(const LinkPtr& link) {
    link->socket.async_read_some(asio::buffer(link->input),
                                 [this, link](error_code error, std::size_t bytes) {
                                     if (link->closed) return;
                                     if (error) {
                                         close(link);
                                         return;
                                     }
                                     take_frames(link, bytes);
                                     if (!link->closed && !link->closing) read(link);
                                 });
}

void IssuerServer::Parts::take_frames(const LinkPtr& link, std::size_t bytes) {
    const acquirer::ByteChannel::Fed fed = link->channel->feed({link->input.data(), bytes});
    link->say(fed.to_send);
    if (!link->channel->failure().empty() || link->channel->peer_finished()) link->closing = true;
    link->reader.feed(fed.plain);
    const iso8583::UtcTime now = utc_now();
    while (!link->closing && !link->closed) {
        auto frame = link->reader.next();
        if (!frame) break;
        if (!*frame) {
            link->closing = true;
            break;
        }
        actions.clear();
        model->on_frame((*frame)->body, now, actions);
        keep_keys();
        carry_out(actions, link);
    }
    if (!link->closed) mark(link);
}

/// Before anything leaves that is under a new key.
void IssuerServer::Parts::keep_keys() {
    if (model->key_changes() == key_changes_kept || options.journal.empty()) return;
    key_changes_kept = model->key_changes();
    if (auto written = write_key_file(key_file(), model->key_state()); !written) fail(written.error().what);
}

void IssuerServer::Parts::carry_out(std::vector<IssuerAction>& pending, const LinkPtr& link) {
    for (IssuerAction& action : pending) {
        if (const auto* line = std::get_if<AppendJournal>(&action)) {
            journal.append(line->line);
        } else if (const auto* answer = std::get_if<SendAnswer>(&action)) {
            if (link == nullptr) continue;
            if (answer->delay_ms == 0) {
                put_out(link, answer->body);
            } else {
                put_off(link, *answer);
            }
        } else if (const auto* request = std::get_if<SendRequest>(&action)) {
            if (links.empty()) continue;
            const LinkPtr any = *links.begin();
            put_out(any, request->body);
            if (!any->closed) mark(any);
        } else if (std::holds_alternative<CloseLink>(action)) {
            if (link != nullptr) link->closing = true;
        } else {
            for (const LinkPtr& each : std::vector<LinkPtr>(links.begin(), links.end())) close(each);
        }
    }
}

void IssuerServer::Parts::put_out(const LinkPtr& link, const iso8583::Bytes& body) {
    iso8583::write_frame(framing, {{}, {}, body}, link->outbox);
    if (link->outbox.size() > outbox_bytes_max) close(link);
}

void IssuerServer::Parts::put_off(const LinkPtr& link, const SendAnswer& answer) {
    if (delayed.size() >= delayed_answers_max) {
        close(link);
        return;
    }
    iso8583::Bytes frame;
    iso8583::write_frame(framing, {{}, {}, answer.body}, frame);
    delayed.push(
        {Clock::now() + std::chrono::milliseconds(answer.delay_ms), delayed_order++, link, std::move(frame)});
    arm_timer();
}

void IssuerServer::Parts::arm_timer() {
    if (delayed.empty() || delayed.top().due >= timer_due) return;
    timer_due = delayed.top().due;
    timer.expires_at(timer_due);
    timer.async_wait([this](error_code error) {
        if (!error) send_due();
    });
}

void IssuerServer::Parts::send_due() {
    timer_due = Clock::time_point::max();
    const auto now = Clock::now();
    while (!delayed.empty() && delayed.top().due <= now) {
        if (const LinkPtr link = delayed.top().link.lock(); link && !link->closed && !link->closing) {
            const iso8583::Bytes& frame = delayed.top().frame;
            link->outbox.insert(link->outbox.end(), frame.begin(), frame.end());
            mark(link);
        }
        delayed.pop();
    }
    arm_timer();
}

void IssuerServer::Parts::mark(const LinkPtr& link) {
    if (!link->dirty) {
        link->dirty = true;
        dirty.push_back(link);
    }
    // Behind all reads that are ready now, so that their journal lines share one write and one sync.
    if (flush_posted) return;
    flush_posted = true;
    asio::post(io, [this] { flush(); });
}

void IssuerServer::Parts::flush() {
    flush_posted = false;
    if (auto flushed = journal.flush(); !flushed) {
        fail(flushed.error().what);
        return;
    }
    std::vector<LinkPtr> ready;
    ready.swap(dirty);
    for (const LinkPtr& link : ready) {
        link->dirty = false;
        if (!link->closed) write(link);
    }
    ready.clear();
    if (dirty.empty()) dirty.swap(ready);  // keep the memory
}

void IssuerServer::Parts::write(const LinkPtr& link) {
    if (!link->writing.empty()) return;
    link->writing.swap(link->wire);
    if (!link->outbox.empty()) {
        const iso8583::ByteView sealed = link->channel->seal(link->outbox);
        if (link->writing.empty() && sealed.data() == link->outbox.data())
            link->writing.swap(link->outbox);  // in clear: no copy
        else
            link->writing.insert(link->writing.end(), sealed.begin(), sealed.end());
        link->outbox.clear();
    }
    if (link->writing.empty()) {
        if (link->closing) close(link);
        return;
    }
    asio::async_write(link->socket, asio::buffer(link->writing), [this, link](error_code error, std::size_t) {
        link->writing.clear();
        if (link->closed) return;
        if (error) {
            close(link);
            return;
        }
        // What collected meanwhile may have journal lines that are not written yet: through the flush again.
        if (!link->outbox.empty() || !link->wire.empty() || link->closing) mark(link);
    });
}

void IssuerServer::Parts::close(const LinkPtr& link) {
    if (link->closed) return;
    link->closed = true;
    error_code ignored;
    link->socket.shutdown(tcp::socket::shutdown_both, ignored);
    link->socket.close(ignored);
    links.erase(link);
}

void IssuerServer::Parts::accept_control() {
    control_acceptor.async_accept([this](error_code error, asio::local::stream_protocol::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (!error && control_links < control_links_max) {
            ++control_links;
            read_control(std::make_shared<ControlLink>(std::move(socket), control_line_bytes_max));
        }
        accept_control();
    });
}

void IssuerServer::Parts::read_control(const ControlLinkPtr& link) {
    asio::async_read_until(link->socket, link->buffer, '\n', [this, link](error_code error, std::size_t) {
        if (error) {
            --control_links;
            return;
        }
        std::istream input(&link->buffer);
        std::string line;
        std::getline(input, line);
        std::vector<IssuerAction> pending;
        link->reply = model->on_control(line, utc_now(), pending) + "\n";
        keep_keys();
        carry_out(pending, nullptr);
        asio::async_write(link->socket, asio::buffer(link->reply), [this, link](error_code e, std::size_t) {
            if (e) {
                --control_links;
            } else {
                read_control(link);
            }
        });
    });
}

void IssuerServer::Parts::fail(std::string why) {
    failed = std::move(why);
    io.stop();
}

}  // namespace routing
