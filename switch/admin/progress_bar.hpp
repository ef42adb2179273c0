// ProgressBar: one line on stderr for what takes longer than a second, on a terminal alone; it is gone when
// the work ends. Blocking, one thread. The clock is the monotonic one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace acquirer::admin {

/// "[########............]  40 %  80000 rows, 12000 a second"; without a share the bar is left out. Pure.
std::string progress_line(std::string_view unit, std::uint64_t done, std::optional<unsigned> permille,
                          std::int64_t elapsed_ms);

class ProgressBar {
  public:
    /// `unit`: what is counted, in the plural.
    explicit ProgressBar(std::string unit);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    /// `permille` of the work that is done, where it is known.
    void show(std::uint64_t done, std::optional<unsigned> permille);

  private:
    using Clock = std::chrono::steady_clock;
    std::string unit_;
    bool on_terminal_;
    Clock::time_point begun_ = Clock::now();
    Clock::time_point shown_ = begun_;
    bool drawn_ = false;
};

}  // namespace acquirer::admin
