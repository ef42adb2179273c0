// Redial: one outgoing connection that is wanted for good: connects, and after each failure tries again,
// later each time.
//
// Thread: the reactor's. Owner: who wants the connection; nothing is called any more after stop() or
// destruction. Errors: told as sentences to `failed`, each with the wait before the next attempt.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "switch/io/reactor.hpp"

namespace acquirer {

/// Wait before the n-th attempt to reconnect (n from 1): doubled from first to longest, then a quarter of it
/// taken off by `salt`, so that many connections that fell together do not come back together.
std::int32_t reconnect_delay_ms(std::int32_t first_ms, std::int32_t longest_ms, std::uint32_t attempt,
                                std::uint64_t salt);

struct RedialSetup {
    SocketAddress address;
    MakeChannel channel;
    std::int32_t connect_timeout_ms = 0;
    std::int32_t first_ms = 0;  // see reconnect_delay_ms
    std::int32_t longest_ms = 0;
    std::uint64_t salt = 0;
};

class Redial {
  public:
    struct Calls {
        std::function<void(std::shared_ptr<Stream>)> connected;
        std::function<void(const std::string& why, std::int32_t retry_ms)> failed;
    };
    Redial(Reactor& reactor, RedialSetup setup, Calls calls);

    void connect();
    /// The connection that stood is lost; `failed` is called and the next attempt comes after its wait.
    void lost(const std::string& why);
    /// It is of use: the next wait begins at the first again.
    void stands() { failures_ = 0; }
    void stop();
    [[nodiscard]] const SocketAddress& address() const { return setup_.address; }

  private:
    Reactor& reactor_;
    RedialSetup setup_;
    Calls calls_;
    std::unique_ptr<Alarm> retry_;
    std::uint32_t failures_ = 0;
    std::shared_ptr<Redial*> attempt_;  // what an attempt's end finds us by
};

}  // namespace acquirer
