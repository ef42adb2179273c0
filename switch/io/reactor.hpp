// Reactor: sockets, timers and signals on one thread. The only face of Asio (reactor.cpp, socket_stream):
// everything else in switch/io is written against this, and includes no header of it.
//
// Thread: all calls and all callbacks on the thread in run(), but post() and stop(), which any thread may
// call. Ownership: streams, listeners and alarms are the caller's; their callbacks never come after close()
// or destruction. The reactor outlives them. Errors: sentences that name address and reason.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ip_address.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "switch/io/byte_channel.hpp"

namespace acquirer {

/// A TCP address; port 0 lets the system choose.
struct SocketAddress {
    std::string host;
    std::uint16_t port = 0;
    [[nodiscard]] std::string str() const;
};

class Stream;

/// Hears what a stream brings.
class StreamOwner {
  public:
    /// The view lives until the call returns. The stream may be closed in here.
    virtual void bytes_arrived(Stream& stream, iso8583::ByteView bytes) = 0;
    /// The peer sends no more, and may still read what is written. At most once, after all its bytes. An
    /// owner that has nothing to say to such a peer leaves it as it is: the stream is closed, and
    /// stream_ended() follows.
    virtual void peer_finished(Stream& stream);
    /// The connection broke, or its channel failed; the stream is closed already. At most once.
    virtual void stream_ended(Stream& stream, const std::string& why) = 0;

  protected:
    ~StreamOwner() = default;
};

/// Why a connection ended that its peer ended in order.
inline constexpr const char* peer_finished_reason = "the peer closed the connection";

/// A connected TCP or Unix socket under a ByteChannel. Non-blocking, no Nagle.
class Stream {
  public:
    virtual ~Stream() = default;
    /// Begins the channel and to read. `tag` is the owner's own mark.
    virtual void start(StreamOwner& owner, std::uint64_t tag, std::size_t read_buffer_bytes) = 0;
    [[nodiscard]] virtual std::uint64_t tag() const = 0;
    /// Sends at once what the socket takes, the rest as soon as it can. Takes all of `bytes` and leaves it
    /// empty.
    virtual void write(iso8583::Bytes& bytes) = 0;
    /// Neither the channel nor the socket has let them out yet.
    [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
    /// No bytes arrive between these two; what the peer sends waits in the kernel.
    virtual void pause_reading() = 0;
    virtual void resume_reading() = 0;
    /// Closes now; what the socket has not taken is lost.
    virtual void close() = 0;
    /// Closes as soon as everything written has left, or after linger_longest_ms; the owner hears no more.
    virtual void close_after_writing() = 0;
    [[nodiscard]] virtual std::string peer() const = 0;
    /// The peer has shown a certificate that carries one of these names.
    [[nodiscard]] virtual bool peer_has_one_of(const std::vector<std::string>& names) const = 0;
    /// The peer's IP address; none (::) of a Unix socket.
    [[nodiscard]] iso8583::IpAddress address() const;
    /// The peer's user and group by the kernel's word; only of a Unix socket.
    struct Credentials {
        std::uint32_t uid = 0;
        std::uint32_t gid = 0;
    };
    [[nodiscard]] virtual iso8583::Result<Credentials> credentials() const = 0;
};

/// Accepts until destroyed.
class Listener {
  public:
    virtual ~Listener() = default;
    /// "127.0.0.1:8583" as bound, or the path.
    [[nodiscard]] virtual std::string address() const = 0;
};

/// One deadline that can be moved.
class Alarm {
  public:
    virtual ~Alarm() = default;
    virtual void set(iso8583::Instant when) = 0;
    virtual void cancel() = 0;
};

/// A peer that does not take what was written last is not waited for longer.
inline constexpr std::int32_t linger_longest_ms = 10'000;

class Reactor {
  public:
    using OnAccept = std::function<void(std::shared_ptr<Stream>)>;
    using OnConnect = std::function<void(iso8583::Result<std::shared_ptr<Stream>>)>;
    /// Why nothing is accepted ("Too many open files"); empty: it works again.
    using OnAcceptFault = std::function<void(const std::string& why)>;

    /// Out of descriptors, the odd one that becomes free is no end of the trouble.
    static constexpr std::int32_t accept_recovered_ms = 2'000;

    Reactor();
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    /// Until stop(); may be called again then. Runs callbacks one at a time.
    void run();
    void stop();
    /// Called after each callback in run(): for what must not wait behind all that is ready now.
    void after_each(std::function<void()> call);
    /// Runs `what` later on the reactor's thread, after the callbacks that are ready now.
    void post(std::function<void()> what);
    /// The clock of Alarm, in milliseconds.
    [[nodiscard]] static iso8583::Instant now();

    iso8583::Result<std::unique_ptr<Listener>> listen(const SocketAddress& at, MakeChannel channel,
                                                      OnAccept on_accept);
    /// A Unix socket at `path`, plain: mode 0600, or 0660 and of a group. A dead socket file of an earlier
    /// run is replaced.
    iso8583::Result<std::unique_ptr<Listener>> listen_unix(const std::string& path,
                                                           std::optional<std::uint32_t> group,
                                                           OnAccept on_accept);
    /// Told once when accepting begins to fail (out of descriptors or kernel memory), on any listener, and
    /// once when it has worked again for accept_recovered_ms; between the two it is tried again and again.
    void on_accept_fault(OnAcceptFault on_fault);
    /// How long what was sent on connections that connect() made may stay unacknowledged by the peer's
    /// machine before they end (TCP_USER_TIMEOUT). 0: as long as the system waits.
    void give_up_unacknowledged_after(std::int32_t ms);
    /// Calls back once, never from inside connect(), when the socket is connected: the channel's handshake
    /// comes after start().
    void connect(const SocketAddress& to, std::int32_t timeout_ms, MakeChannel channel, OnConnect on_connect);
    std::unique_ptr<Alarm> alarm(std::function<void()> on_due);
    /// For the rest of the reactor's life.
    void on_signal(int signal_number, std::function<void()> on_signal);

  private:
    struct World;
    std::unique_ptr<World> world_;
};

}  // namespace acquirer
