// Worker: one thread that runs what takes its time (operators' reads), oldest first, so that the core's
// thread never waits for it; where they want the same processor the core's goes first (nice_level). One that
// rests pauses after each piece of work, in proportion to the processor time it took: a long list in pages,
// one after the other for minutes, then leaves the traffic most of a processor.
//
// Thread: submit() from any; results go back by whatever `work` posts itself. Bound: waiting_max.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace acquirer {

class Worker {
  public:
    /// Of its thread, by the kernel's scale: 0 is as everybody, 19 the least.
    static constexpr int nice_level = 10;

    /// Of a worker that rests: times the processor time of the piece before, and never longer than that.
    static constexpr int rest_share = 9;
    static constexpr std::chrono::milliseconds rest_longest{50};
    enum class Pace : bool { steady, resting };

    explicit Worker(std::size_t waiting_max, Pace pace = Pace::steady)
        : waiting_max_(waiting_max), pace_(pace), thread_([this] { run(); }) {}
    /// Finishes what it is running, drops what waits.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// False when waiting_max are waiting.
    [[nodiscard]] bool submit(std::function<void()> work);

  private:
    void run();

    const std::size_t waiting_max_;
    const Pace pace_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> waiting_;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace acquirer
