// Turn: the one loop, the same in production and in the simulator. Events are stepped, the turn's writes go
// to the store as one batch and one sync, and only then do the effects leave: durable before visible is this
// file.
//
// A turn that wrote nothing does not sync; its effects leave after the syncs begun before it, and wait while
// the store does not know whether the ledger is still this process's (Store::may_answer). As many syncs are
// in flight as the store takes (one disk: one); what is stepped meanwhile collects into the next batch, which
// beside another one begins only with turn_events_min events or when it is turn_wait_ms old: small turns are
// dear. Turns leave in order. When a sync fails no effect of that or a later turn leaves, ever: `failed()`
// says why, and the process must end (R62).
//
// Thread: the core's. The shell calls `offer` for each event, `pump` when idle or when the store signalled,
// and performs what `pump` hands out.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ledger/overlay.hpp"
#include "ledger/store.hpp"
#include "switch/core/effect.hpp"
#include "switch/core/event.hpp"

namespace acquirer {

class SwitchCore;

inline constexpr std::size_t turn_events_max = 256;
/// With so many the next sync begins though more events wait, when the store has room for it.
inline constexpr std::size_t turn_events_min = 64;
/// So old a turn begins its sync beside others though it is small.
inline constexpr std::int64_t turn_wait_ms = 1;

class Turn {
  public:
    /// `sync_done` is called on any thread when a begun sync has ended; the owner then calls pump() on the
    /// core's.
    Turn(SwitchCore& core, ledger::Overlay& overlay, ledger::Store& store, std::function<void()> sync_done);

    /// Steps one event now, into the turn being collected. Events of one turn: answers first, then deadlines,
    /// then new requests: the owner keeps two inboxes and offers in that order (docs/architecture.md).
    void offer(Event&& event, const iso8583::Now& now);
    /// Effects of SwitchCore::recover, before the first event; they leave after the sync of what recovery
    /// wrote.
    void offer_recovered(Effects effects);
    /// Steps all deadlines that are due.
    void pass_deadlines(const iso8583::Now& now);
    /// True when the turn being collected has had turn_events_max events: offer no more before pump().
    [[nodiscard]] bool is_full() const { return events_in_turn_ >= turn_events_max; }

    [[nodiscard]] std::size_t events() const { return events_in_turn_; }
    /// A sync is in flight.
    [[nodiscard]] bool syncing() const { return syncs_ > 0; }
    /// The store takes one more sync.
    [[nodiscard]] bool may_sync() const { return syncs_ < store_.syncs_in_flight_max(); }

    /// Finishes the syncs that have ended, hands their effects out in order, begins the next sync if there is
    /// one to begin. `perform` is called for each effect that may leave now.
    void pump(const iso8583::Now& now, const std::function<void(const Effect&)>& perform);
    /// Called by the owner from its own thread once for each time that `sync_done` fired.
    void sync_has_ended() { ++syncs_ended_; }

    [[nodiscard]] const std::optional<ledger::StoreError>& failed() const { return failed_; }
    /// Nothing is waiting to be synced or performed.
    [[nodiscard]] bool idle() const { return syncs_ == 0 && collecting_.empty() && leaving_.empty(); }
    /// The core's next one, or when the turn being collected is old.
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const;

  private:
    /// A turn that is closed and has not left.
    struct Closed {
        enum class State : std::uint8_t { syncing, durable, wrote_nothing };
        std::uint64_t number = 0;
        State state = State::syncing;
        Effects effects;
    };

    void begin_to_collect(const iso8583::Now& now);
    void finish_syncs();
    /// The effects that may leave now, in order.
    Effects take_ready(const iso8583::Now& now);
    [[nodiscard]] bool is_due(const iso8583::Now& now) const;
    void close();

    SwitchCore& core_;
    ledger::Overlay& overlay_;
    ledger::Store& store_;
    std::function<void()> sync_done_;
    Effects collecting_;
    std::deque<Closed> leaving_;           // the oldest first
    std::uint64_t collecting_number_ = 1;  // the turns' own, written or not
    std::size_t events_in_turn_ = 0;
    std::optional<iso8583::Instant> collecting_since_;
    std::size_t syncs_ = 0;        // in flight
    std::size_t syncs_ended_ = 0;  // of them: not finished yet
    std::optional<ledger::StoreError> failed_;
};

}  // namespace acquirer
