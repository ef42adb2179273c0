// The Stream over a connected socket and a ByteChannel. An inner face of the reactor: beside it nobody sees
// Asio.
//
// Thread: the one that runs the socket's context. Ownership: the stream is kept by its owner and, while it
// reads or has bytes to send, by its own waits.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <string>

#include "switch/io/reactor.hpp"

namespace acquirer {

using AnySocket = boost::asio::generic::stream_protocol::socket;

/// `peer` is how log lines name it.
std::shared_ptr<Stream> socket_stream(AnySocket socket, std::string peer,
                                      std::unique_ptr<ByteChannel> channel);

}  // namespace acquirer
