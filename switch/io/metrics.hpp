// Metrics: what /metrics shows, as one value, and its text form (Prometheus 0.0.4). Names are stable:
// docs/operations.md.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "ledger/store.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

/// Microseconds of the machine's steady clock.
inline std::int64_t steady_now_us() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

/// Counts durations in fixed steps.
class DurationHistogram {
  public:
    /// Upper bounds in microseconds; one more step for what is longer.
    static constexpr std::array<std::int64_t, 14> bounds_us{
        50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000};
    void add_us(std::int64_t us) {
        std::size_t step = 0;
        while (step < bounds_us.size() && us > bounds_us[step]) ++step;
        ++counts_[step];
        sum_us_ += us;
    }
    [[nodiscard]] const std::array<std::uint64_t, bounds_us.size() + 1>& counts() const { return counts_; }
    [[nodiscard]] std::int64_t sum_us() const { return sum_us_; }

  private:
    std::array<std::uint64_t, bounds_us.size() + 1> counts_{};
    std::int64_t sum_us_ = 0;
};

struct ShardCounters {
    std::size_t request_inbox = 0;
    std::size_t answer_inbox = 0;
    std::uint64_t events_stepped = 0;
    std::uint64_t syncs = 0;
    DurationHistogram sync;  // from begin_sync to its end seen
};

struct ShellStatus {
    std::size_t terminal_links = 0;
    std::uint64_t terminal_links_accepted = 0;
    std::uint64_t terminal_links_rejected = 0;
    std::size_t terminal_links_not_read = 0;
    bool hsm_available = true;
    std::size_t hsm_waiting = 0;
    std::uint64_t log_lines_suppressed = 0;
    bool draining = false;
    DurationHistogram drive;  // one pass: step, sync begun, effects performed, written
    ShardCounters shard;
    struct Issuer {
        std::string route;
        std::size_t wanted = 0;
        std::size_t signed_on = 0;
    };
    std::vector<Issuer> issuers;
};

std::string render_metrics(const ShellStatus& shell, const CoreStatus& core,
                           const ledger::StoreHealth& store);

}  // namespace acquirer
