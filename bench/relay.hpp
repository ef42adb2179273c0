// The relay and the echoing issuer of `limit`, each one thread of this process over loopback TCP.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "iso8583/values/result.hpp"

namespace ledger {
class Store;
}

namespace bench {

/// Sends back every byte it gets.
class EchoIssuer {
  public:
    EchoIssuer();
    ~EchoIssuer();
    [[nodiscard]] std::uint16_t port() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Passes frames (2-byte length) on to the issuer and the answers back to who asked.
class RelayServer {
  public:
    static constexpr std::size_t issuer_connections = 4;
    static constexpr std::size_t turn_frames_max = 256;  // as many requests share a sync at most

    /// With a store every request is recorded and synced before it is passed on. The store must outlive this.
    static iso8583::Result<std::unique_ptr<RelayServer>> start(std::uint16_t issuer_port,
                                                               ledger::Store* store);
    ~RelayServer();
    [[nodiscard]] std::uint16_t port() const;

  private:
    RelayServer();
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace bench
