#include "switch/core/turn.hpp"

#include <algorithm>
#include <iterator>

#include "iso8583/values/ensure.hpp"
#include "switch/core/switch_core.hpp"

namespace acquirer {

Turn::Turn(SwitchCore& core, ledger::Overlay& overlay, ledger::Store& store, std::function<void()> sync_done)
    : core_(core), overlay_(overlay), store_(store), sync_done_(std::move(sync_done)) {}

void Turn::begin_to_collect(const iso8583::Now& now) {
    if (!collecting_since_) collecting_since_ = now.instant;
}

void Turn::offer(Event&& event, const iso8583::Now& now) {
    if (failed_) return;
    begin_to_collect(now);
    core_.step(std::move(event), now, collecting_);
    ++events_in_turn_;
}

void Turn::offer_recovered(Effects effects) {
    for (Effect& effect : effects) collecting_.push_back(std::move(effect));
}

void Turn::pass_deadlines(const iso8583::Now& now) {
    if (failed_) return;
    begin_to_collect(now);
    core_.pass_deadlines(now, collecting_);
}

void Turn::pump(const iso8583::Now& now, const std::function<void(const Effect&)>& perform) {
    // Effects of a perform may lead to new events; they are stepped by the owner and wait for the next pump.
    finish_syncs();
    const Effects durable = failed_ ? Effects{} : take_ready(now);
    if (core_.store_error() && !failed_) failed_ = core_.store_error();
    // The next sync begins before what the last one made durable leaves: the disk does not wait for sockets.
    if (!failed_ && is_due(now)) close();
    for (const Effect& effect : durable) perform(effect);
    if (failed_) {
        collecting_.clear();
        leaving_.clear();
        return;
    }
    // Of a turn that was closed just now and wrote nothing: what was decided is already durable.
    const Effects ready = take_ready(now);
    for (const Effect& effect : ready) perform(effect);
}

void Turn::finish_syncs() {
    for (; syncs_ended_ > 0 && !failed_; --syncs_ended_) {
        --syncs_;
        if (auto synced = store_.finish_sync(); !synced) {
            failed_ = synced.error();
            continue;
        }
        overlay_.in_flight_done();
        const auto oldest = std::find_if(leaving_.begin(), leaving_.end(), [](const Closed& turn) {
            return turn.state == Closed::State::syncing;
        });
        ENSURE(oldest != leaving_.end());
        oldest->state = Closed::State::durable;
    }
}

Effects Turn::take_ready(const iso8583::Now& now) {
    Effects ready;
    while (!leaving_.empty()) {
        Closed& turn = leaving_.front();
        if (turn.state == Closed::State::syncing) break;
        if (turn.state == Closed::State::wrote_nothing && !store_.may_answer()) break;
        if (ready.empty())
            ready.swap(turn.effects);
        else
            std::move(turn.effects.begin(), turn.effects.end(), std::back_inserter(ready));
        core_.effects_left(turn.number, now);
        leaving_.pop_front();
    }
    return ready;
}

bool Turn::is_due(const iso8583::Now& now) const {
    if (syncs_ == 0) return true;
    if (!may_sync() || !collecting_since_) return false;
    return events_in_turn_ >= turn_events_min || now.instant >= collecting_since_->plus_ms(turn_wait_ms);
}

void Turn::close() {
    core_.close_turn(collecting_number_);
    // What could not be read while the turn closed is missing in its batch.
    if (core_.store_error()) {
        failed_ = core_.store_error();
        return;
    }
    const bool wrote = !overlay_.current_empty();
    // It stays open: what writes beside it goes to the store with it, lease or not.
    if (!wrote && leaving_.empty() && !store_.may_answer()) return;
    Closed& turn = leaving_.emplace_back();
    turn.number = collecting_number_++;
    turn.state = wrote ? Closed::State::syncing : Closed::State::wrote_nothing;
    turn.effects.swap(collecting_);
    collecting_.reserve(turn.effects.size());  // the next turn is like this one
    events_in_turn_ = 0;
    collecting_since_.reset();
    if (!wrote) return;
    ++syncs_;
    store_.begin_sync(overlay_.take_batch(), sync_done_);
}

std::optional<iso8583::Instant> Turn::next_deadline() const {
    std::optional<iso8583::Instant> next = core_.next_deadline();
    if (syncs_ == 0 || !may_sync() || !collecting_since_) return next;
    const iso8583::Instant old = collecting_since_->plus_ms(turn_wait_ms);
    return next ? std::min(*next, old) : old;
}

}  // namespace acquirer
