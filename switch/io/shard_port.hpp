// ShardPort: a shard as the shell sees it, on the shell's own thread or another (shard.hpp,
// shard_thread.hpp); and the part of it that shards.hpp sends events to, which is all that a simulated shell
// has (tests/simulation).
//
// Thread: the shell's. Ownership: nothing outlives a call but what it returns. Errors: failed() says why no
// effect leaves any more (R62).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "ledger/store.hpp"
#include "switch/core/event.hpp"
#include "switch/core/status.hpp"
#include "switch/io/metrics.hpp"

namespace acquirer {

/// What is to be seen of a shard at one moment.
struct ShardView {
    CoreStatus status;
    ShardCounters counters;
    ledger::StoreHealth store;
    std::shared_ptr<const ledger::StoreReader> snapshot;
};

/// Where the shell puts what a shard is to step.
class ShardInbox {
  public:
    virtual ~ShardInbox() = default;
    /// Into the inbox of new requests, stepped last. Taken always: who reads terminals asks takes_requests().
    virtual void take(RequestArrived request) = 0;
    /// Into the inbox of answers and link events, stepped first. False when it is full and the event is an
    /// issuer's answer; all else is taken always, there is little of it.
    [[nodiscard]] virtual bool take(Event event) = 0;
    [[nodiscard]] virtual bool takes_requests() const = 0;
    /// Of the only shard: its sessions' 08xx take their numbers out of its row.
    virtual std::pair<iso8583::Stan, iso8583::TransmissionTime> next_issuer_numbers(
        routing::RouteId route, const iso8583::Now& now) = 0;
};

class ShardPort : public ShardInbox {
  public:
    /// Rebuilds the core from the ledger, and waits until what that wrote is durable and performed.
    virtual iso8583::Result<void, ledger::StoreError> recover() = 0;
    /// Before the first event of the reactor, and after the last: nothing is stepped beyond them.
    virtual void start() = 0;
    virtual void stop() = 0;

    /// The core's deadlines are due: stepped as soon as every answer that has come is.
    virtual void deadlines_due() = 0;
    /// Hears whether the store takes new work; the core is told when that changed. What was seen.
    virtual ledger::StoreHealth look_at_store() = 0;

    /// Performs what is durable; where the shard has no thread of its own, steps what waits.
    virtual void drive() = 0;
    /// Events wait and the turn has room: drive again. A full turn goes on when its sync has ended.
    [[nodiscard]] virtual bool can_go_on() const = 0;
    /// Sockets had better wait for a drive.
    [[nodiscard]] virtual bool drive_is_due() const = 0;
    /// When the core wants deadlines_due(); nothing while it has been said.
    [[nodiscard]] virtual std::optional<iso8583::Instant> next_deadline() const = 0;
    /// Nothing waits: no event, no sync, no issuer, no HSM, no effect.
    [[nodiscard]] virtual bool quiet() const = 0;
    [[nodiscard]] virtual std::optional<ledger::StoreError> failed() const = 0;

    [[nodiscard]] virtual std::size_t index() const = 0;
    /// Why its store takes no new work, as it was when it was looked at last; empty: it does.
    [[nodiscard]] virtual std::string why_no_new_work() const = 0;
    /// Done where the shard is stepped, between two events; returns when it is.
    virtual void ask(const std::function<void()>& question) = 0;
    /// Not for every event: a shard with a thread of its own is asked, and waited for.
    [[nodiscard]] virtual ShardView view() = 0;
};

}  // namespace acquirer
