// The worker of operators' reads: order, bound, and the pause of one that rests.
#include "switch/io/worker.hpp"

#include <time.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <string>

using namespace acquirer;
using std::chrono::steady_clock;

namespace {

/// Of the calling thread.
std::chrono::nanoseconds processor_time() {
    timespec now{};
    REQUIRE(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

void work_for(std::chrono::nanoseconds time) {
    const auto end = processor_time() + time;
    while (processor_time() < end) {
    }
}

/// From the end of a piece of work to the begin of the next, which waited already.
std::chrono::nanoseconds pause_after(std::chrono::nanoseconds work, Worker::Pace pace) {
    std::promise<void> both_wait;
    std::promise<steady_clock::time_point> begun;
    steady_clock::time_point ended;
    Worker worker(2, pace);
    REQUIRE(worker.submit([&, ready = both_wait.get_future().share()] {
        ready.wait();
        work_for(work);
        ended = steady_clock::now();
    }));
    REQUIRE(worker.submit([&] { begun.set_value(steady_clock::now()); }));
    both_wait.set_value();
    return begun.get_future().get() - ended;
}

}  // namespace

TEST_CASE("a worker that rests pauses for its share of the processor time before, up to the longest") {
    using namespace std::chrono_literals;
    CHECK(pause_after(2ms, Worker::Pace::resting) >= Worker::rest_share * 2ms);
    CHECK(pause_after(20ms, Worker::Pace::resting) >= Worker::rest_longest);
}

TEST_CASE("a worker runs the oldest first, refuses what passes its bound") {
    std::string order;
    std::promise<void> begun;
    std::promise<void> go_on;
    {
        Worker worker(2);
        REQUIRE(worker.submit([&, wait = go_on.get_future().share()] {
            begun.set_value();
            wait.wait();
            order += 'a';
        }));
        begun.get_future().wait();
        std::promise<void> second;
        CHECK(worker.submit([&] { order += 'b'; }));
        CHECK(worker.submit([&] {
            order += 'c';
            second.set_value();
        }));
        CHECK_FALSE(worker.submit([&] { order += 'd'; }));
        go_on.set_value();
        second.get_future().wait();
    }
    CHECK(order == "abc");
}
