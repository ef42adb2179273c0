// HttpServer: GET /metrics, /healthz, /readyz, /role, for Prometheus and for what supervises the process. One
// request a connection. Beast parses, without I/O of its own.
//
// Thread: the core's. Bounds: ShellBounds (connections, bytes of a request, time for it).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "switch/io/reactor.hpp"
#include "switch/io/shell_setup.hpp"

namespace acquirer {

class HttpServer final : public StreamOwner {
  public:
    struct Pages {
        std::function<std::string()> metrics;
        /// Empty: ready. Otherwise why not.
        std::function<std::string()> not_ready;
        /// As JSON: whether this node serves, or stands by for which.
        std::function<std::string()> role;
    };
    HttpServer(Reactor& reactor, const ShellBounds& bounds, Pages pages);
    ~HttpServer();

    /// `allow`: who may connect; empty: everybody.
    iso8583::Result<std::string> listen(const SocketAddress& at, MakeChannel channel,
                                        std::vector<iso8583::IpRange> allow = {});
    void bytes_arrived(Stream& stream, iso8583::ByteView bytes) override;
    void stream_ended(Stream& stream, const std::string& why) override;

  private:
    struct Connection;
    void accepted(std::shared_ptr<Stream> stream);
    void finish(std::uint64_t id, const std::string& response);
    [[nodiscard]] std::string respond(std::string_view method, std::string_view target) const;

    Reactor& reactor_;
    const ShellBounds& bounds_;
    Pages pages_;
    std::unique_ptr<Listener> listener_;
    std::vector<iso8583::IpRange> allow_;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;  // the oldest first
    std::uint64_t last_connection_ = 0;
};

}  // namespace acquirer
