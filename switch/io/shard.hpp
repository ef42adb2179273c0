// Shard: a core with its own ledger and what turns it: two bounded inboxes, the turn, its deadlines and
// syncs. Shards never talk to each other; sockets, sessions, HSM, configuration and operators are the
// shell's.
//
//     shell: take(event) … drive → answers, then deadlines, new requests last → sync → shell: perform(effect)
//
// The only shard of a switch works on the shell's thread, several have a thread each (shard_thread.hpp); the
// shell sees either as a ShardPort (shard_port.hpp).
//
// Thread: one, the shard's, but ShardShell::sync_ended, which comes on any. Ownership:
// refers to core, overlay, store and shell, which outlive it, but for the store: a sync may end as long as
// the store lives, so it is destroyed first. Errors: failed() says why no effect leaves any more (R62).
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "switch/core/switch_core.hpp"
#include "switch/core/turn.hpp"
#include "switch/io/cold_requests.hpp"
#include "switch/io/metrics.hpp"
#include "switch/io/shard_port.hpp"

namespace acquirer {

/// What a shard needs of its shell.
class ShardShell {
  public:
    virtual iso8583::Now now() = 0;
    /// An effect that has become durable; each once, in order.
    virtual void perform(ShardPort& from, const Effect& effect) = 0;
    /// drive() is wanted, later and not from inside the call.
    virtual void wants_drive() = 0;
    /// The same, said on any thread.
    virtual void sync_ended() = 0;

  protected:
    ~ShardShell() = default;
};

struct ShardParts {
    SwitchCore& core;
    ledger::Overlay& overlay;
    ledger::Store& store;
};

struct ShardBounds {
    /// Requests not stepped yet; at the bound takes_requests() is false.
    std::size_t request_inbox_max = 4'096;
    /// Answers, HSM replies and link events not stepped yet; beyond it no issuer's answer is taken.
    std::size_t answer_inbox_max = 65'536;
    /// Threads that read what new requests name and no memory holds (cold_requests.hpp); 0: the core reads
    /// itself, for a store that may be read on one thread only.
    std::size_t cold_readers = 0;
};

class Shard final : public ShardPort {
  public:
    Shard(std::size_t index, const ShardParts& parts, const ShardBounds& bounds, ShardShell& shell);
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    iso8583::Result<void, ledger::StoreError> recover() override;
    void start() override {}
    /// No read of a cold request is under way any more: the store may go.
    void stop() override { cold_.reset(); }
    void take(RequestArrived request) override;
    [[nodiscard]] bool take(Event event) override;
    [[nodiscard]] bool takes_requests() const override {
        return requests_waiting() < bounds_.request_inbox_max;
    }
    void deadlines_due() override { deadlines_due_ = true; }
    ledger::StoreHealth look_at_store() override;

    /// Steps what waits and performs what is durable.
    void drive() override;
    [[nodiscard]] bool can_go_on() const override { return !inboxes_empty() && !turn_.is_full(); }
    /// A sync or a read beforehand has ended, or as many events as make a turn lie there while the store has
    /// room for one. So reading, deciding and the disk work at the same time, however many requests come at
    /// once.
    [[nodiscard]] bool drive_is_due() const override {
        return syncs_ended_.load(std::memory_order_relaxed) > 0 ||
               cold_ended_.load(std::memory_order_relaxed) ||
               (turn_.may_sync() && !turn_.is_full() &&
                answers_.size() + requests_.size() >= turn_events_min);
    }
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const override;
    [[nodiscard]] bool quiet() const override {
        return inboxes_empty() && requests_waiting() == 0 && turn_.idle() && parts_.core.quiet();
    }
    [[nodiscard]] std::optional<ledger::StoreError> failed() const override { return turn_.failed(); }

    [[nodiscard]] std::size_t index() const override { return index_; }
    [[nodiscard]] std::string why_no_new_work() const override {
        return store_refuses_.empty() ? "" : "the store takes no new work: " + store_refuses_;
    }
    void ask(const std::function<void()>& question) override { question(); }
    [[nodiscard]] ShardView view() override {
        return {parts_.core.status(), counters(), parts_.store.health(), parts_.store.snapshot()};
    }
    [[nodiscard]] ShardCounters counters() const;
    std::pair<iso8583::Stan, iso8583::TransmissionTime> next_issuer_numbers(
        routing::RouteId route, const iso8583::Now& now) override {
        return parts_.core.next_issuer_numbers(route, now);
    }

  private:
    [[nodiscard]] bool inboxes_empty() const { return answers_.empty() && requests_.empty(); }
    [[nodiscard]] std::size_t requests_waiting() const {
        return requests_.size() + (cold_ ? cold_->size() : 0);
    }
    void step(const iso8583::Now& at);
    void step_first(std::deque<Event>& inbox, const iso8583::Now& at);
    void pump();

    const std::size_t index_;
    const ShardParts parts_;
    const ShardBounds bounds_;
    ShardShell& shell_;
    std::atomic<std::uint32_t> syncs_ended_{0};  // and not yet told to the turn
    std::atomic<bool> cold_ended_{false};        // what a cold request names has been read
    Turn turn_;
    std::deque<Event> answers_;
    std::deque<Event> requests_;
    const std::function<void(const Effect&)> perform_;
    std::size_t may_step_ = 0;  // events of the drive under way
    bool deadlines_due_ = false;
    std::string store_refuses_;  // why; empty: it takes new work
    std::uint64_t events_stepped_ = 0;
    std::uint64_t syncs_ = 0;
    std::deque<std::int64_t> syncs_begun_us_;  // of those under way, the oldest first
    DurationHistogram sync_times_;
    std::unique_ptr<ColdRequests> cold_;  // with cold_readers; last: its threads speak to the shell
};

}  // namespace acquirer
