// MemoryStore: the store port in memory, for tests and the simulator. Deterministic: no thread, no clock,
// ordered maps. It keeps what is durable and what is only handed over apart, so that a crash can take away
// the second.
//
// Owner: the test or the simulated world. Thread: one; snapshots are deep copies and go to any thread.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <utility>

#include "ledger/store.hpp"

namespace ledger {

class MemoryStore final : public Store {
  public:
    enum class SyncMode : std::uint8_t {
        immediate,  // begin_sync makes the batch durable and calls done at once
        manual,     // the batch waits for complete_sync()
    };

    explicit MemoryStore(SyncMode mode = SyncMode::immediate, std::size_t syncs_in_flight_max = 1)
        : mode_(mode), syncs_in_flight_max_(syncs_in_flight_max) {}

    // Store
    [[nodiscard]] iso8583::Result<std::optional<std::string>, StoreError> get(
        Family family, std::string_view key) const override;
    iso8583::Result<void, StoreError> scan(Family family, std::string_view from, std::string_view to,
                                           const ScanVisitor& visit) const override;
    iso8583::Result<void, StoreError> scan_back(Family family, std::string_view from, std::string_view to,
                                                const ScanVisitor& visit) const override;
    void begin_sync(Batch batch, std::function<void()> done) override;
    iso8583::Result<void, StoreError> finish_sync() override;
    [[nodiscard]] std::shared_ptr<const StoreReader> snapshot() const override;
    [[nodiscard]] std::uint64_t last_turn_number() const override { return visible_.last_turn; }
    [[nodiscard]] StoreHealth health() const override { return health_; }
    [[nodiscard]] bool may_answer() const override { return may_answer_; }
    [[nodiscard]] std::size_t syncs_in_flight_max() const override { return syncs_in_flight_max_; }

    // The world's hooks
    void set_sync_mode(SyncMode mode) { mode_ = mode; }
    /// Never fewer than before.
    void set_syncs_in_flight_max(std::size_t syncs) { syncs_in_flight_max_ = syncs; }
    /// Between begin_sync and done of one.
    [[nodiscard]] bool sync_pending() const { return !pending_.empty(); }
    [[nodiscard]] std::size_t syncs_pending() const { return pending_.size(); }
    /// Ends the oldest pending sync, well or as injected, and calls its done.
    void complete_sync();
    /// The process dies and a new one opens the store. Of the batches not known to be durable the first
    /// `keep_prefix` (at most all) survive. A pending done is never called; injected failures end; the sync
    /// mode stays.
    void crash(std::size_t keep_prefix);
    /// Batches a crash could lose now: those handed over, failed ones, and all of a lying disk.
    [[nodiscard]] std::size_t unsynced_batches() const { return unsynced_.size(); }

    /// The next sync to complete fails, and, as the port demands, every one after it.
    void fail_next_sync(StoreError error) { failure_to_come_ = std::move(error); }
    /// Every read fails until nullopt is given.
    void fail_reads(std::optional<StoreError> error) { read_failure_ = std::move(error); }
    void set_health(StoreHealth health) { health_ = std::move(health); }
    /// False: as a store whose lease may have run out.
    void set_may_answer(bool may) { may_answer_ = may; }
    /// A disk that says done and has not written: for tests that must notice the loss.
    void lie_about_syncs(bool lying) { lying_ = lying; }

    /// Same content, same turn number, nothing in flight, no failures.
    [[nodiscard]] std::unique_ptr<MemoryStore> copy_durable() const;
    [[nodiscard]] std::size_t key_count(Family family) const;

  private:
    using Contents = std::map<std::string, std::string, std::less<>>;
    /// What one state of the disk holds, by Family.
    struct State {
        std::array<Contents, 2> families;
        std::uint64_t last_turn = 0;
        void apply(const Batch& batch);
    };
    class Snapshot;

    SyncMode mode_;
    std::size_t syncs_in_flight_max_;
    State visible_;  // what readers see: the durable state, or with a lying disk what is believed so
    State durable_;
    bool lying_ = false;
    std::deque<Batch> unsynced_;                 // the first `believed_` of them are visible
    std::size_t believed_ = 0;                   // of a lying disk
    std::deque<std::function<void()>> pending_;  // the dones of what was handed over and has not ended
    std::size_t ended_ = 0;                      // syncs that ended and were not finished
    std::optional<StoreError> failure_to_come_;
    std::optional<StoreError> failed_;
    std::optional<StoreError> read_failure_;
    StoreHealth health_;
    bool may_answer_ = true;
};

}  // namespace ledger
