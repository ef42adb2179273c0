#include "switch/io/worker.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace acquirer {

namespace {

/// Of this thread.
std::chrono::nanoseconds processor_time() {
    timespec now{};
    static_cast<void>(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        waiting_.clear();
    }
    wake_.notify_one();
    thread_.join();
}

bool Worker::submit(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || waiting_.size() >= waiting_max_) return false;
        waiting_.push_back(std::move(work));
    }
    wake_.notify_one();
    return true;
}

void Worker::run() {
    // Of this thread alone; where it is refused the reads are as quick as everything else.
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice_level));
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_) return;
        std::function<void()> work = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        const auto before = processor_time();
        work();
        work = nullptr;  // what it holds (a snapshot) ends before the rest
        const auto rest =
            std::min<std::chrono::nanoseconds>(rest_share * (processor_time() - before), rest_longest);
        lock.lock();
        if (pace_ == Pace::resting) wake_.wait_for(lock, rest, [this] { return stopping_; });
    }
}

}  // namespace acquirer
