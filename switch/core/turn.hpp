// Turn: the one loop, the same in production and in the simulator. Events are stepped, the turn's writes go
// to the store as one batch and one sync, and only then do the effects leave: durable before visible is this
// file.
//
// A turn that wrote nothing does not sync; its effects leave after the sync begun before it, and wait while
// the store does not know whether the ledger is still this process's (Store::may_answer). One sync is in
// flight at a time; what is stepped meanwhile collects into the next batch. When a sync fails no effect of
// that or a later turn leaves, ever: `failed()` says why, and the process must end (R62).
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
/// With so many the next sync begins though more events wait, when none is under way.
inline constexpr std::size_t turn_events_min = 64;

class Turn {
  public:
    /// `sync_done` is called on any thread when a begun sync has ended; the owner then calls pump() on the
    /// core's.
    Turn(SwitchCore& core, ledger::Overlay& overlay, ledger::Store& store, std::function<void()> sync_done);

    /// Steps one event now, into the turn being collected. Events of one turn: answers first, then deadlines,
    /// then new requests: the owner keeps two inboxes and offers in that order (docs/architecture.md).
    void offer(const Event& event, const iso8583::Now& now);
    /// Effects of SwitchCore::recover, before the first event; they leave after the sync of what recovery
    /// wrote.
    void offer_recovered(Effects effects);
    /// Steps all deadlines that are due.
    void pass_deadlines(const iso8583::Now& now);
    /// True when the turn being collected has had turn_events_max events: offer no more before pump().
    [[nodiscard]] bool is_full() const { return events_in_turn_ >= turn_events_max; }

    [[nodiscard]] std::size_t events() const { return events_in_turn_; }
    /// A sync is in flight.
    [[nodiscard]] bool syncing() const { return sync_in_flight_; }

    /// Finishes a sync that has ended, hands its effects out in order, begins the next sync if there is one
    /// to begin. `perform` is called for each effect that may leave now.
    void pump(const iso8583::Now& now, const std::function<void(const Effect&)>& perform);
    /// Called by the owner from its own thread after `sync_done` fired.
    void sync_has_ended() { sync_ended_ = true; }

    [[nodiscard]] const std::optional<ledger::StoreError>& failed() const { return failed_; }
    /// Nothing is waiting to be synced or performed.
    [[nodiscard]] bool idle() const { return !sync_in_flight_ && collecting_.empty() && in_flight_.empty(); }
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const;

  private:
    void begin_sync_if_needed();

    SwitchCore& core_;
    ledger::Overlay& overlay_;
    ledger::Store& store_;
    std::function<void()> sync_done_;
    Effects collecting_;
    Effects in_flight_;
    std::size_t events_in_turn_ = 0;
    bool sync_in_flight_ = false;
    bool sync_ended_ = false;
    std::optional<ledger::StoreError> failed_;
};

}  // namespace acquirer
