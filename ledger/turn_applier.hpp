// TurnApplier: a thread that applies turns in their order and ends each when it can be read, so that whoever
// hands them over does not wait.
//
//     take(batch, ended)  →  apply(batch)  →  ended(result)      once a turn, in the order of take
//
// Owner: RocksStore, whose committer it is, and PostgresCommitter, for the copy of what it has confirmed.
// Threads: take and oldest on any one; apply and `ended` are called on the applier's. Errors: after an apply
// that failed nothing is applied any more, and every turn ends with that error. Bound: turns_max; whoever
// begins turns keeps to it. The destructor ends what was taken.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "ledger/store.hpp"

namespace ledger {

class TurnApplier {
  public:
    using Clock = std::chrono::steady_clock;
    using Apply = std::function<iso8583::Result<void, StoreError>(const Batch&)>;
    using Ended = std::function<void(const iso8583::Result<void, StoreError>&)>;

    TurnApplier(std::size_t turns_max, Apply apply);
    ~TurnApplier();
    TurnApplier(const TurnApplier&) = delete;
    TurnApplier& operator=(const TurnApplier&) = delete;

    void take(Batch batch, Ended ended);
    struct Waiting {
        std::uint64_t turn = 0;
        Clock::time_point since;
    };
    /// Of those that were taken and have not been applied; nothing: it keeps up.
    [[nodiscard]] std::optional<Waiting> oldest() const;

  private:
    struct Taken {
        Batch batch;
        Ended ended;
        Clock::time_point at;
    };
    void run();

    const std::size_t turns_max_;
    const Apply apply_;
    mutable std::mutex mutex_;  // guards all to the next empty line
    std::condition_variable wake_;
    std::deque<Taken> turns_;  // the oldest first; it stays here until it has been applied
    std::optional<StoreError> failed_;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace ledger
