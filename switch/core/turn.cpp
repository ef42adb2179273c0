#include "switch/core/turn.hpp"

#include "iso8583/values/ensure.hpp"
#include "switch/core/switch_core.hpp"

namespace acquirer {

Turn::Turn(SwitchCore& core, ledger::Overlay& overlay, ledger::Store& store, std::function<void()> sync_done)
    : core_(core), overlay_(overlay), store_(store), sync_done_(std::move(sync_done)) {}

void Turn::offer(const Event& event, const iso8583::Now& now) {
    if (failed_) return;
    core_.step(event, now, collecting_);
    ++events_in_turn_;
}

void Turn::offer_recovered(Effects effects) {
    for (Effect& effect : effects) collecting_.push_back(std::move(effect));
}

void Turn::pass_deadlines(const iso8583::Now& now) {
    if (failed_) return;
    core_.pass_deadlines(now, collecting_);
}

void Turn::pump(const iso8583::Now& now, const std::function<void(const Effect&)>& perform) {
    // Effects of a perform may lead to new events; they are stepped by the owner and wait for the next pump.
    Effects durable;
    if (sync_in_flight_ && sync_ended_) {
        sync_in_flight_ = false;
        sync_ended_ = false;
        if (auto synced = store_.finish_sync(); !synced) {
            failed_ = synced.error();
        } else {
            overlay_.in_flight_done();
            durable.swap(in_flight_);
            core_.effects_left(now);
        }
    }
    if (core_.store_error() && !failed_) failed_ = core_.store_error();
    // The next sync begins before what the last one made durable leaves: the disk does not wait for sockets.
    if (!failed_ && !sync_in_flight_) begin_sync_if_needed();
    for (const Effect& effect : durable) perform(effect);
    if (failed_) {
        collecting_.clear();
        in_flight_.clear();
        return;
    }
    if (sync_in_flight_) return;
    // Nothing was written since the last sync: what was decided is already durable.
    if (!collecting_.empty() && !store_.may_answer()) return;
    Effects ready;
    ready.swap(collecting_);
    events_in_turn_ = 0;
    for (const Effect& effect : ready) perform(effect);
    core_.effects_left(now);
}

void Turn::begin_sync_if_needed() {
    core_.close_turn();
    // What could not be read while the turn closed is missing in its batch.
    if (core_.store_error()) {
        failed_ = core_.store_error();
        return;
    }
    if (overlay_.current_empty()) return;
    in_flight_.swap(collecting_);
    ENSURE(collecting_.empty());
    events_in_turn_ = 0;
    sync_in_flight_ = true;
    store_.begin_sync(overlay_.take_batch(), sync_done_);
}

std::optional<iso8583::Instant> Turn::next_deadline() const { return core_.next_deadline(); }

}  // namespace acquirer
