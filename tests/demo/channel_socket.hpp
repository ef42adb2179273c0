// ChannelSocket: a blocking TCP connection on loopback under a ByteChannel, in clear or under TLS. One
// thread.
#pragma once

#include <memory>
#include <string>

#include "iso8583/values/result.hpp"
#include "switch/io/byte_channel.hpp"

namespace demo {

class ChannelSocket {
  public:
    ChannelSocket() = default;
    ~ChannelSocket() { close(); }
    ChannelSocket(const ChannelSocket&) = delete;
    ChannelSocket& operator=(const ChannelSocket&) = delete;

    /// To "127.0.0.1:8583"; what a channel needs to begin is done when it returns. False: nobody is there, or
    /// the handshake failed.
    bool connect(const std::string& address, const acquirer::MakeChannel& channel, int wait_ms);
    [[nodiscard]] bool connected() const { return socket_ >= 0; }
    bool send(iso8583::ByteView bytes);
    /// The next bytes. The error is "no answer" after `wait_ms`, or "connection closed".
    iso8583::Result<iso8583::Bytes> receive(int wait_ms);
    void close();

  private:
    bool write(iso8583::ByteView wire);
    /// Feeds the channel what comes next.
    iso8583::Result<iso8583::Bytes> read_piece(int wait_ms);

    int socket_ = -1;
    std::unique_ptr<acquirer::ByteChannel> channel_;
};

}  // namespace demo
