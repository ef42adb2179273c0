// ShardThread: a shard on a thread of its own. Events go over in one queue each way under one mutex: what the
// shell takes waits until the thread is free, what has become durable waits until the shell's next drive.
// Both are bounded: requests by takes_requests(), answers as the shard's inbox, effects by the thread, which
// steps nothing while the shell has effects_waiting_max of them to perform.
//
//     shell's thread                          shard's thread
//     take(event) ──── queue, wakes ────────▶ Shard::take … Shard::drive
//     drive(): perform(effect) ◀── queue ──── ShardShell::perform; wakes the shell
//
// Thread: public members on the shell's; one of its own between start() and stop(), before and after which
// the shard is worked on by the caller. Ownership: owns the shard; refers to the shell and the clock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "switch/io/shard.hpp"
#include "switch/io/wall_clock.hpp"

namespace acquirer {

class ShardThread final : public ShardPort, private ShardShell {
  public:
    /// Performed before more is stepped.
    static constexpr std::size_t effects_waiting_max = 65'536;

    ShardThread(std::size_t index, const ShardParts& parts, const ShardBounds& bounds, ShardShell& shell,
                const WallClock& clock);
    ~ShardThread() override;
    ShardThread(const ShardThread&) = delete;
    ShardThread& operator=(const ShardThread&) = delete;

    iso8583::Result<void, ledger::StoreError> recover() override;
    void start() override;
    /// What waits is not stepped any more.
    void stop() override;

    void take(RequestArrived request) override;
    [[nodiscard]] bool take(Event event) override;
    [[nodiscard]] bool takes_requests() const override;
    void deadlines_due() override;
    ledger::StoreHealth look_at_store() override;

    /// Performs what is durable.
    void drive() override;
    [[nodiscard]] bool can_go_on() const override { return false; }  // it does, by itself
    [[nodiscard]] bool drive_is_due() const override { return has_effects_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::optional<iso8583::Instant> next_deadline() const override;
    [[nodiscard]] bool quiet() const override;
    [[nodiscard]] std::optional<ledger::StoreError> failed() const override;

    [[nodiscard]] std::size_t index() const override { return index_; }
    [[nodiscard]] std::string why_no_new_work() const override;
    /// Asks the thread and waits for it: a pass of the shard at most.
    void ask(const std::function<void()>& question) override;
    [[nodiscard]] ShardView view() override;
    std::pair<iso8583::Stan, iso8583::TransmissionTime> next_issuer_numbers(routing::RouteId route,
                                                                            const iso8583::Now& now) override;

  private:
    /// What the shard said when it had last worked.
    struct Said {
        std::size_t requests = 0, answers = 0;  // in its inboxes
        std::optional<iso8583::Instant> next_deadline;
        std::optional<ledger::StoreError> failed;
        bool quiet = true;
        std::string why_no_new_work;
    };

    // ShardShell, for the shard: on its thread, sync_ended on any.
    iso8583::Now now() override { return clock_.now(); }
    void perform(ShardPort& from, const Effect& effect) override;
    void wants_drive() override {}
    void sync_ended() override;

    void run();
    /// Called with the mutex held: there is something for the thread to do.
    [[nodiscard]] bool has_work() const;
    void say();

    const std::size_t index_;
    const ShardBounds bounds_;
    ShardShell& shell_;
    const WallClock& clock_;
    std::vector<Effect> performed_;  // the thread's, of the drive under way

    std::atomic<bool> has_effects_{false};  // asked after everything that the reactor does
    mutable std::mutex mutex_;              // guards all to the next empty line
    std::condition_variable wake_;          // the thread
    std::condition_variable answered_;      // the shell, which has asked
    std::deque<RequestArrived> requests_;
    std::deque<Event> answers_;
    std::vector<std::function<void()>> questions_;
    std::vector<Effect> effects_;
    bool deadlines_due_ = false;
    mutable bool room_is_wanted_ = false;  // the shell was told that there is none for requests
    bool sync_ended_ = false;
    bool can_go_on_ = false;
    bool working_ = false;  // something was taken over and what it led to is not said yet
    bool stopping_ = false;
    Said said_;

    Shard shard_;         // speaks to what stands before it, until it is gone
    std::thread thread_;  // last: it uses all of them
};

}  // namespace acquirer
