#include "ledger/turn_applier.hpp"

#include "iso8583/values/ensure.hpp"

namespace ledger {

using iso8583::Result;

TurnApplier::TurnApplier(std::size_t turns_max, Apply apply)
    : turns_max_(turns_max), apply_(std::move(apply)), thread_([this] { run(); }) {}

TurnApplier::~TurnApplier() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void TurnApplier::take(Batch batch, Ended ended) {
    {
        const std::lock_guard lock(mutex_);
        ENSURE(turns_.size() < turns_max_);
        turns_.push_back({std::move(batch), std::move(ended), Clock::now()});
    }
    wake_.notify_one();
}

std::optional<TurnApplier::Waiting> TurnApplier::oldest() const {
    const std::lock_guard lock(mutex_);
    if (turns_.empty()) return std::nullopt;
    return Waiting{turns_.front().batch.turn_number, turns_.front().at};
}

void TurnApplier::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !turns_.empty(); });
        if (turns_.empty()) return;
        if (!failed_) {
            const Batch& oldest = turns_.front().batch;  // what is taken meanwhile does not move it
            lock.unlock();
            const Result<void, StoreError> applied = apply_(oldest);
            lock.lock();
            if (!applied) failed_ = applied.error();
        }
        std::optional<Taken> taken(std::move(turns_.front()));
        turns_.pop_front();
        const Result<void, StoreError> result =
            failed_ ? Result<void, StoreError>(tl::unexpected(*failed_)) : Result<void, StoreError>();
        lock.unlock();
        taken->ended(result);
        taken.reset();  // before the lock: whoever was told that it ended hands over the next one
        lock.lock();
    }
}

}  // namespace ledger
