#include "switch/io/socket_stream.hpp"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

namespace asio = boost::asio;
using boost::system::error_code;
using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::parse_error;

void StreamOwner::peer_finished(Stream& stream) {
    stream.close();
    stream_ended(stream, peer_finished_reason);
}

namespace {

class SocketStream final : public Stream, public std::enable_shared_from_this<SocketStream> {
  public:
    SocketStream(AnySocket socket, std::string peer, std::unique_ptr<ByteChannel> channel)
        : socket_(std::move(socket)),
          patience_(socket_.get_executor()),
          peer_(std::move(peer)),
          channel_(std::move(channel)) {
        error_code ignored;
        socket_.non_blocking(true, ignored);
    }
    ~SocketStream() override {
        iso8583::zeroise(read_buffer_.data(), read_buffer_.size());
        iso8583::zeroise(unsent_.data(), unsent_.size());
    }

    void start(StreamOwner& owner, std::uint64_t tag, std::size_t read_buffer_bytes) override {
        ENSURE(owner_ == nullptr && read_buffer_bytes > 0);
        owner_ = &owner;
        tag_ = tag;
        read_buffer_.resize(read_buffer_bytes);
        send(channel_->begin());
        if (!channel_->ready()) limit_handshake();
        read_more();
    }
    std::uint64_t tag() const override { return tag_; }
    std::size_t unsent_bytes() const override { return wire_unsent() + channel_->held_bytes(); }
    std::string peer() const override { return peer_; }

    void write(Bytes& bytes) override {
        if (open_) {
            send(channel_->seal(bytes));
            if (!channel_->failure().empty()) break_off(channel_->failure());
        }
        iso8583::zeroise(bytes.data(), bytes.size());
        bytes.clear();
    }

    void pause_reading() override { paused_ = true; }
    void resume_reading() override {
        paused_ = false;
        if (owner_ != nullptr) read_more();
    }

    void close() override {
        owner_ = nullptr;
        if (!open_) return;
        if (wire_unsent() == 0 && broken_.empty() && channel_->failure().empty())
            write_some(channel_->finish());
        open_ = false;
        error_code ignored;
        socket_.close(ignored);
        patience_.cancel();
    }
    void close_after_writing() override {
        owner_ = nullptr;
        if (!open_) return;
        closing_ = true;
        paused_ = false;
        limit(linger_longest_ms, "");
        close_when_sent();
        read_more();
    }

    iso8583::Result<Credentials> credentials() const override {
        ucred peer{};
        socklen_t size = sizeof(peer);
        auto& socket = const_cast<AnySocket&>(socket_);
        if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
            return parse_error("the peer's credentials cannot be read");
        return Credentials{peer.uid, peer.gid};
    }

    [[nodiscard]] bool peer_has_one_of(const std::vector<std::string>& names) const override {
        return channel_->peer_has_one_of(names);
    }

  private:
    // ---- reading

    void read_more() {
        if (reading_ || paused_ || !open_) return;
        // Without an owner only what lets the channel give out held bytes is read.
        if (owner_ == nullptr && channel_->held_bytes() == 0) return;
        if (channel_->peer_finished()) return tell_peer_finished();
        reading_ = true;
        socket_.async_read_some(asio::buffer(read_buffer_),
                                [self = shared_from_this()](const error_code& error, std::size_t size) {
                                    self->reading_ = false;
                                    self->read(error, size);
                                });
    }
    void read(const error_code& error, std::size_t size) {
        if (!open_) return;
        if (error == asio::error::eof) {
            channel_->wire_ended();
        } else if (error) {
            return end(error.message());
        } else {
            feed(ByteView(read_buffer_).first(size));
            iso8583::zeroise(read_buffer_.data(), size);
        }
        if (!open_) return;
        if (!channel_->failure().empty()) return end(channel_->failure());
        if (closing_) close_when_sent();
        read_more();
    }
    void feed(ByteView wire) {
        const bool was_ready = channel_->ready();
        const ByteChannel::Fed fed = channel_->feed(wire);
        send(fed.to_send);
        if (!was_ready && channel_->ready() && !closing_) patience_.cancel();
        if (owner_ != nullptr && !fed.plain.empty()) owner_->bytes_arrived(*this, fed.plain);
    }
    // Posted: who resumes reading is in the midst of things.
    void tell_peer_finished() {
        if (std::exchange(told_peer_finished_, true)) return;
        asio::post(socket_.get_executor(), [self = shared_from_this()] {
            if (self->owner_ != nullptr) self->owner_->peer_finished(*self);
        });
    }
    void end(const std::string& why) {
        StreamOwner* owner = owner_;
        const auto self = shared_from_this();  // the owner may let go of us in the call
        close();
        if (owner != nullptr) owner->stream_ended(*this, why);
    }

    // ---- writing: bytes of the wire

    std::size_t wire_unsent() const { return unsent_.size() - unsent_at_; }
    void send(ByteView wire) {
        if (wire.empty()) return;
        if (wire_unsent() == 0) {
            // The common case: the socket takes everything, and the caller keeps its memory for the next
            // time.
            const std::size_t taken = write_some(wire);
            if (taken < wire.size())
                unsent_.assign(wire.begin() + static_cast<std::ptrdiff_t>(taken), wire.end());
            unsent_at_ = 0;
        } else {
            // What has left already makes room first: a peer that is always a little behind must not make
            // this grow.
            if (unsent_at_ > unsent_.size() / 2) {
                unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(unsent_at_));
                unsent_at_ = 0;
            }
            unsent_.insert(unsent_.end(), wire.begin(), wire.end());
        }
        if (wire_unsent() > 0) wait_for_room();
    }
    std::size_t write_some(ByteView bytes) {
        error_code error;
        std::size_t taken = 0;
        while (taken < bytes.size() && !error)
            taken += socket_.write_some(asio::buffer(bytes.data() + taken, bytes.size() - taken), error);
        if (error && error != asio::error::would_block && error != asio::error::try_again)
            broken_ = error.message();
        return taken;
    }
    // A broken connection is told from room() and not from write(), whose caller is in the midst of things.
    void break_off(const std::string& why) {
        if (broken_.empty()) broken_ = why;
        wait_for_room();
    }
    void wait_for_room() {
        if (waiting_ || !open_) return;
        waiting_ = true;
        socket_.async_wait(AnySocket::wait_write, [self = shared_from_this()](const error_code& error) {
            self->waiting_ = false;
            self->room(error);
        });
    }
    void room(const error_code& error) {
        if (!open_) return;
        if (error) return end(error.message());
        if (broken_.empty()) unsent_at_ += write_some(ByteView(unsent_).subspan(unsent_at_));
        if (!broken_.empty()) return end(broken_);
        if (wire_unsent() > 0) return wait_for_room();
        iso8583::zeroise(unsent_.data(), unsent_.size());
        unsent_.clear();
        unsent_at_ = 0;
        if (closing_) close_when_sent();
    }
    void close_when_sent() {
        if (unsent_bytes() > 0) return;
        send(channel_->finish());
        if (unsent_bytes() == 0) close();
    }

    // ---- time

    void limit_handshake() {
        const std::int32_t ms = channel_->handshake_ms_max();
        limit(ms, "the handshake did not end within " + std::to_string(ms) + " ms");
    }
    void limit(std::int32_t longest_ms, std::string why) {
        patience_.expires_after(std::chrono::milliseconds(longest_ms));
        patience_.async_wait([weak = weak_from_this(), why = std::move(why)](const error_code& error) {
            const auto self = weak.lock();
            // A wait that was already due when it was cancelled comes without an error.
            if (!error && self && (self->closing_ || !self->channel_->ready())) self->end(why);
        });
    }

    AnySocket socket_;
    asio::steady_timer patience_;  // with the handshake, then with a peer that does not take the last bytes
    std::string peer_;
    std::unique_ptr<ByteChannel> channel_;
    StreamOwner* owner_ = nullptr;
    std::uint64_t tag_ = 0;
    Bytes read_buffer_;
    Bytes unsent_;  // of the wire
    std::size_t unsent_at_ = 0;
    std::string broken_;
    bool open_ = true;
    bool reading_ = false;
    bool paused_ = false;
    bool waiting_ = false;
    bool closing_ = false;
    bool told_peer_finished_ = false;
};

}  // namespace

std::shared_ptr<Stream> socket_stream(AnySocket socket, std::string peer,
                                      std::unique_ptr<ByteChannel> channel) {
    return std::make_shared<SocketStream>(std::move(socket), std::move(peer), std::move(channel));
}

}  // namespace acquirer
