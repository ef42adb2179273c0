// DelayRelay: a TCP relay that hands on every byte a given time after it came, in both directions, so that a
// server on this machine is as far away as one on another. Bytes are never lost or held back for more than
// that; a peer that does not read is not read from (relay_bytes_max). It delays a connection's beginning by
// nothing: only what goes over it.
//
// POSIX sockets, a thread of its own; gone with the object. `switch-bench delay` runs one until it is ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "iso8583/values/result.hpp"

namespace bench {

class DelayRelay {
  public:
    static constexpr std::size_t relay_bytes_max = 16U << 20;  // under way in one direction

    /// Listens on a free port of loopback for connections to HOST:PORT.
    static iso8583::Result<std::unique_ptr<DelayRelay>> start(const std::string& host,
                                                              const std::string& port,
                                                              std::chrono::microseconds one_way);
    ~DelayRelay();
    DelayRelay(const DelayRelay&) = delete;
    DelayRelay& operator=(const DelayRelay&) = delete;
    [[nodiscard]] std::uint16_t port() const;

  private:
    struct Parts;
    explicit DelayRelay(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

struct DelayOptions {
    std::string to;  // HOST:PORT
    double one_way_ms = 0.5;
};
/// Prints "ready port=P" and relays until SIGTERM or SIGINT. 0, or 1 with a line on stderr.
int run_delay(const DelayOptions& options);

}  // namespace bench
