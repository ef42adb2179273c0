#include "switch/io/shard.hpp"

namespace acquirer {

using iso8583::Now;

namespace {

// Of one drive, before the shell's sockets are looked at again.
constexpr int passes_per_drive_max = 4;
constexpr std::size_t events_per_drive_max = passes_per_drive_max * turn_events_max;

}  // namespace

Shard::Shard(std::size_t index, const ShardParts& parts, const ShardBounds& bounds, ShardShell& shell)
    : index_(index),
      parts_(parts),
      bounds_(bounds),
      shell_(shell),
      turn_(parts.core, parts.overlay, parts.store,
            [this] {
                // On the store's committer thread, or inside begin_sync().
                syncs_ended_.fetch_add(1);
                syncs_ended_.notify_all();
                shell_.sync_ended();
            }),
      perform_([this](const Effect& effect) { shell_.perform(*this, effect); }) {
    if (bounds_.cold_readers > 0)
        cold_ = std::make_unique<ColdRequests>(parts_.store, bounds_.cold_readers, [this] {
            cold_ended_.store(true);
            shell_.sync_ended();
        });
}

iso8583::Result<void, ledger::StoreError> Shard::recover() {
    auto effects = parts_.core.recover(shell_.now());
    if (!effects) return tl::unexpected(effects.error());
    turn_.offer_recovered(std::move(*effects));
    for (;;) {
        pump();
        if (turn_.failed()) return tl::unexpected(*turn_.failed());
        if (turn_.idle()) return {};
        if (!turn_.syncing())
            return tl::unexpected(ledger::StoreError{ledger::StoreError::Kind::io,
                                                     "the lease ended while the ledger was recovered"});
        syncs_ended_.wait(0);
    }
}

void Shard::take(RequestArrived request) {
    if (cold_ && cold_->take(request, parts_.core.keys_wanted(request.request))) return;
    requests_.emplace_back(std::move(request));
    shell_.wants_drive();
}

bool Shard::take(Event event) {
    if (answers_.size() >= bounds_.answer_inbox_max && std::holds_alternative<IssuerReplyArrived>(event))
        return false;
    answers_.push_back(std::move(event));
    shell_.wants_drive();
    return true;
}

ledger::StoreHealth Shard::look_at_store() {
    ledger::StoreHealth health = parts_.store.health();
    std::string refuses;
    if (!health.accepts_new_work) refuses = health.reason.empty() ? "it does not say why" : health.reason;
    if (refuses == store_refuses_) return health;
    store_refuses_ = std::move(refuses);
    static_cast<void>(take(StoreHealthChanged{store_refuses_}));
    return health;
}

void Shard::drive() {
    if (cold_ended_.exchange(false) && cold_) cold_->move_ready(requests_);
    may_step_ = events_per_drive_max;
    for (int pass = 0; pass < passes_per_drive_max; ++pass) {
        step(shell_.now());
        pump();
        if (turn_.failed() || inboxes_empty() || turn_.is_full()) return;
    }
}

void Shard::step(const Now& at) {
    while (!answers_.empty() && may_step_ > 0 && !turn_.is_full()) step_first(answers_, at);
    // Only when every answer that has come is stepped: load must not make time-outs.
    if (deadlines_due_ && answers_.empty()) {
        deadlines_due_ = false;
        turn_.pass_deadlines(at);
    }
    while (!requests_.empty() && may_step_ > 0 && !turn_.is_full()) step_first(requests_, at);
}

void Shard::step_first(std::deque<Event>& inbox, const Now& at) {
    turn_.offer(std::move(inbox.front()), at);
    inbox.pop_front();
    ++events_stepped_;
    --may_step_;
    // The disk has room: it gets what there is, and the rest is stepped meanwhile.
    if (syncs_ended_.load(std::memory_order_relaxed) > 0 ||
        (turn_.may_sync() && turn_.events() >= turn_events_min))
        pump();
}

void Shard::pump() {
    for (;;) {
        for (std::uint32_t ended = syncs_ended_.exchange(0); ended > 0; --ended) {
            turn_.sync_has_ended();
            sync_times_.add_us(steady_now_us() - syncs_begun_us_.front());
            syncs_begun_us_.pop_front();
        }
        const std::uint64_t batches_before = parts_.overlay.counts().batches;
        turn_.pump(shell_.now(), perform_);
        if (turn_.failed()) return;
        if (parts_.overlay.counts().batches > batches_before) {
            ++syncs_;
            syncs_begun_us_.push_back(steady_now_us());
        }
        // A store that syncs inside begin_sync() has its effects performed in this same pass.
        if (syncs_ended_.load() == 0) return;
    }
}

std::optional<iso8583::Instant> Shard::next_deadline() const {
    // While the core's deadlines are due already they wait for the inbox, not for an alarm.
    return deadlines_due_ ? std::nullopt : turn_.next_deadline();
}

ShardCounters Shard::counters() const {
    return {requests_waiting(),         answers_.size(), events_stepped_, syncs_,
            cold_ ? cold_->taken() : 0, sync_times_};
}

}  // namespace acquirer
