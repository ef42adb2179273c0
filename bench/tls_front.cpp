#include "bench/tls_front.hpp"

#include <array>
#include <boost/asio.hpp>
#include <thread>
#include <utility>

namespace bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using iso8583::Bytes;
using iso8583::ByteView;

/// One connection of the fleet and its own to the switch. Lives as long as one of its handlers.
class Way : public std::enable_shared_from_this<Way> {
  public:
    Way(tcp::socket near, std::unique_ptr<acquirer::ByteChannel> channel)
        : near_(std::move(near)), far_(near_.get_executor()), channel_(std::move(channel)) {}

    void begin(const tcp::endpoint& to) {
        far_.async_connect(to, [self = shared_from_this()](error_code error) {
            if (error) return self->end();
            error_code ignored;
            self->near_.set_option(tcp::no_delay(true), ignored);
            self->far_.set_option(tcp::no_delay(true), ignored);
            self->queue(self->to_far_, self->channel_->begin());
            self->write(self->far_, self->to_far_);
            self->read_near();
            self->read_far();
        });
    }

  private:
    static constexpr std::size_t piece_bytes = 64 * 1024;
    struct Outgoing {
        Bytes waiting, leaving;
    };

    static void queue(Outgoing& out, ByteView bytes) {
        out.waiting.insert(out.waiting.end(), bytes.begin(), bytes.end());
    }
    void write(tcp::socket& socket, Outgoing& out) {
        if (!out.leaving.empty() || out.waiting.empty()) return;
        out.leaving.swap(out.waiting);
        asio::async_write(socket, asio::buffer(out.leaving),
                          [self = shared_from_this(), &socket, &out](error_code error, std::size_t) {
                              out.leaving.clear();
                              if (error) return self->end();
                              self->write(socket, out);
                          });
    }
    void read_near() {
        near_.async_read_some(
            asio::buffer(from_near_), [self = shared_from_this()](error_code error, std::size_t size) {
                if (error) return self->end();
                self->queue(self->to_far_, self->channel_->seal(ByteView(self->from_near_).first(size)));
                self->write(self->far_, self->to_far_);
                self->read_near();
            });
    }
    void read_far() {
        far_.async_read_some(asio::buffer(from_far_),
                             [self = shared_from_this()](error_code error, std::size_t size) {
                                 if (error) return self->end();
                                 const auto fed = self->channel_->feed(ByteView(self->from_far_).first(size));
                                 self->queue(self->to_near_, fed.plain);
                                 self->queue(self->to_far_, fed.to_send);
                                 if (!self->channel_->failure().empty()) return self->end();
                                 self->write(self->near_, self->to_near_);
                                 self->write(self->far_, self->to_far_);
                                 self->read_far();
                             });
    }
    void end() {
        error_code ignored;
        near_.close(ignored);
        far_.close(ignored);
    }

    tcp::socket near_, far_;
    std::unique_ptr<acquirer::ByteChannel> channel_;
    Outgoing to_near_, to_far_;
    std::array<std::uint8_t, piece_bytes> from_near_{}, from_far_{};
};

}  // namespace

struct TlsFront::Parts {
    asio::io_context io{1};
    tcp::acceptor acceptor{io};
    tcp::endpoint to;
    std::shared_ptr<acquirer::TlsContext> context;
    std::thread thread;

    void accept() {
        acceptor.async_accept([this](error_code error, tcp::socket socket) {
            if (error) return;
            std::make_shared<Way>(std::move(socket), context->channel())->begin(to);
            accept();
        });
    }
};

TlsFront::TlsFront() : parts_(std::make_unique<Parts>()) {}

TlsFront::~TlsFront() {
    parts_->io.stop();
    if (parts_->thread.joinable()) parts_->thread.join();
}

iso8583::Result<std::unique_ptr<TlsFront>> TlsFront::start(const std::string& host, std::uint16_t port,
                                                           std::shared_ptr<acquirer::TlsContext> context) {
    std::unique_ptr<TlsFront> front(new TlsFront);
    Parts& parts = *front->parts_;
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (!error) parts.acceptor.open(tcp::v4(), error);
    if (!error) parts.acceptor.bind({asio::ip::address_v4::loopback(), 0}, error);
    if (!error) parts.acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error) return iso8583::parse_error("a front in clear for " + host + ": " + error.message());
    parts.to = {address, port};
    parts.context = std::move(context);
    parts.accept();
    parts.thread = std::thread([&parts] { parts.io.run(); });
    return front;
}

std::uint16_t TlsFront::port() const { return parts_->acceptor.local_endpoint().port(); }

}  // namespace bench
