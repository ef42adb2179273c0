// TurnApplier alone, with an apply of the test's own; also for the thread sanitizer, which cannot look into
// RocksDB.
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <semaphore>
#include <vector>

#include "ledger/turn_applier.hpp"

using ledger::Batch;
using ledger::StoreError;
using ledger::TurnApplier;
using Result = iso8583::Result<void, StoreError>;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t turns_max = 4;

Batch turn(std::uint64_t number) {
    Batch batch;
    batch.turn_number = number;
    batch.put(ledger::Family::journal, "k", std::to_string(number));
    return batch;
}

/// What was applied, and what ended, in which order.
struct Seen {
    std::mutex mutex;
    std::vector<std::uint64_t> applied, ended, failed;

    void is_applied(std::uint64_t number) {
        const std::lock_guard lock(mutex);
        applied.push_back(number);
    }
    TurnApplier::Ended end_of(std::uint64_t number, std::counting_semaphore<>& free) {
        return [this, number, &free](const Result& result) {
            {
                const std::lock_guard lock(mutex);
                (result ? ended : failed).push_back(number);
            }
            free.release();
        };
    }
};

std::vector<std::uint64_t> counted(std::uint64_t from, std::uint64_t to) {
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t n = from; n <= to; ++n) numbers.push_back(n);
    return numbers;
}

}  // namespace

TEST_CASE("turns are applied in their order, each once, while more are taken") {
    constexpr std::uint64_t turns = 2'000;
    Seen seen;
    std::counting_semaphore<> free(turns_max);
    {
        TurnApplier applier(turns_max, [&](const Batch& batch) {
            seen.is_applied(batch.turn_number);
            return Result();
        });
        for (std::uint64_t number = 1; number <= turns; ++number) {
            free.acquire();
            applier.take(turn(number), seen.end_of(number, free));
        }
    }
    CHECK(seen.applied == counted(1, turns));
    CHECK(seen.ended == counted(1, turns));
}

TEST_CASE("a turn does not end before it was applied, and what was taken is ended before the applier goes") {
    Seen seen;
    std::counting_semaphore<> free(0);
    std::counting_semaphore<> may_apply(0);
    {
        TurnApplier applier(turns_max, [&](const Batch& batch) {
            may_apply.acquire();
            seen.is_applied(batch.turn_number);
            return Result();
        });
        for (std::uint64_t number = 1; number <= turns_max; ++number)
            applier.take(turn(number), seen.end_of(number, free));
        CHECK_FALSE(free.try_acquire());
        may_apply.release();
        free.acquire();
        {
            const std::lock_guard lock(seen.mutex);
            CHECK(seen.applied == counted(1, 1));
            CHECK(seen.ended == counted(1, 1));
        }
        may_apply.release(turns_max);
    }
    CHECK(seen.ended == counted(1, turns_max));
}

TEST_CASE("behind a turn that could not be applied none is, and each ends with its error") {
    Seen seen;
    std::counting_semaphore<> free(0);
    std::counting_semaphore<> may_apply(0);
    {
        TurnApplier applier(turns_max, [&](const Batch& batch) -> Result {
            may_apply.acquire();
            seen.is_applied(batch.turn_number);
            if (batch.turn_number == 2)
                return tl::unexpected(StoreError{StoreError::Kind::io, "the disk broke"});
            return {};
        });
        for (std::uint64_t number = 1; number <= turns_max; ++number)
            applier.take(turn(number), seen.end_of(number, free));
        may_apply.release(turns_max);
    }
    CHECK(seen.applied == counted(1, 2));
    CHECK(seen.ended == counted(1, 1));
    CHECK(seen.failed == counted(2, turns_max));
}

TEST_CASE("an applier that is behind says which turn waits, and since when") {
    Seen seen;
    std::counting_semaphore<> free(0);
    std::counting_semaphore<> may_apply(0);
    TurnApplier applier(turns_max, [&](const Batch&) {
        may_apply.acquire();
        return Result();
    });
    CHECK_FALSE(applier.oldest());
    const auto before = TurnApplier::Clock::now();
    applier.take(turn(7), seen.end_of(7, free));
    const auto between = TurnApplier::Clock::now();
    applier.take(turn(8), seen.end_of(8, free));
    const auto oldest = applier.oldest();
    REQUIRE(oldest);
    CHECK(oldest->turn == 7);
    CHECK(oldest->since >= before);
    CHECK(oldest->since <= between);
    may_apply.release();
    free.acquire();
    REQUIRE(applier.oldest());
    CHECK(applier.oldest()->turn == 8);
    may_apply.release();
    free.acquire();
    CHECK_FALSE(applier.oldest());
}
