// ByteChannel: what stands between the bytes of a socket and the bytes its owner reads and writes. Plain is
// nothing at all; TLS is a handshake and records. It has no socket of its own: the stream feeds it what came
// and sends what it makes, so that a kind of channel is tested without one.
//
//     begin → (wire) feed → plain bytes, bytes to send      write → seal → bytes to send      finish
//
// Owner: one stream. Thread: the stream's. Views that feed() gives as `plain` live until the next feed(); the
// bytes to send live until the next call of anything. Errors: failure() is a sentence; what the same call
// still made is sent (an alert), then the stream ends with it and makes no more calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "iso8583/values/bytes.hpp"

namespace acquirer {

class ByteChannel {
  public:
    struct Fed {
        iso8583::ByteView plain;  // for who reads the stream
        iso8583::ByteView
            to_send;  // for the peer, at once and asked for by nobody: handshake, key update, alert
    };

    ByteChannel() = default;
    virtual ~ByteChannel() = default;
    ByteChannel(const ByteChannel&) = delete;
    ByteChannel& operator=(const ByteChannel&) = delete;

    /// The connection stands. Called once, before anything else; returns what this side says first.
    virtual iso8583::ByteView begin() = 0;
    /// Bytes of the wire, in any pieces. May give `wire` itself back as plain.
    virtual Fed feed(iso8583::ByteView wire) = 0;
    /// Takes all of `plain` and returns what may leave now; may be `plain` itself. What has to wait for the
    /// handshake is kept and counted by held_bytes(); a later feed() gives it out.
    virtual iso8583::ByteView seal(iso8583::ByteView plain) = 0;
    /// Nothing is sealed any more: returns the farewell, empty when there is none or it has been said.
    virtual iso8583::ByteView finish() = 0;
    /// The wire ended after what was fed: in order (peer_finished()), or cut off (failure()).
    virtual void wire_ended() = 0;

    /// The peer has shown a certificate that carries one of these names. A plain channel's never has.
    [[nodiscard]] virtual bool peer_has_one_of(const std::vector<std::string>&) const { return false; }

    /// The handshake must end within this, from begin() on.
    [[nodiscard]] std::int32_t handshake_ms_max() const { return handshake_ms_max_; }
    /// The handshake is done; until then no plain bytes come.
    [[nodiscard]] bool ready() const { return ready_; }
    /// The peer sends no more plain bytes. It may still read.
    [[nodiscard]] bool peer_finished() const { return peer_finished_; }
    /// Plain bytes that seal() has taken and that have not been given out.
    [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
    /// Empty while it works.
    [[nodiscard]] const std::string& failure() const { return failure_; }

  protected:
    std::int32_t handshake_ms_max_ = 10'000;
    bool ready_ = false;
    bool peer_finished_ = false;
    std::size_t held_bytes_ = 0;
    std::string failure_;
};

/// Makes the channel of a new connection. A server's and a client's kinds differ, so each port has its own.
using MakeChannel = std::function<std::unique_ptr<ByteChannel>()>;

/// The wire's bytes are the owner's: no copy, no handshake, no farewell but the end of the wire.
std::unique_ptr<ByteChannel> plain_channel();

}  // namespace acquirer
