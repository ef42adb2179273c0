// TlsFront: a door in clear in front of a port that speaks TLS, so that the fleet plays the same bytes over
// both: what differs is the switch's side alone, and that is what is measured. A thread of this process.
//
// Ownership: owns its sockets. Thread: its own; start and the destructor are the caller's. Errors: sentences.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "iso8583/values/result.hpp"
#include "switch/io/tls.hpp"

namespace bench {

class TlsFront {
  public:
    /// `host`:`port` speaks TLS; `context` is used by the front's thread alone.
    static iso8583::Result<std::unique_ptr<TlsFront>> start(const std::string& host, std::uint16_t port,
                                                            std::shared_ptr<acquirer::TlsContext> context);
    ~TlsFront();
    TlsFront(const TlsFront&) = delete;
    TlsFront& operator=(const TlsFront&) = delete;
    /// Of loopback.
    [[nodiscard]] std::uint16_t port() const;

  private:
    TlsFront();
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace bench
