#include "switch/admin/progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace acquirer::admin {

namespace {

constexpr std::chrono::milliseconds shown_after{1'000};
constexpr std::chrono::milliseconds shown_every{100};

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

}  // namespace

std::string progress_line(std::string_view unit, std::uint64_t done, std::optional<unsigned> permille,
                          std::int64_t elapsed_ms) {
    constexpr unsigned whole = 1'000, bar_characters = 20;
    std::string line;
    if (permille) {
        const unsigned part = std::min(*permille, whole);
        const unsigned filled = part * bar_characters / whole;
        const std::string percent = std::to_string(part / 10);
        line = "[" + std::string(filled, '#') + std::string(bar_characters - filled, '.') + "] " +
               std::string(3 - std::min<std::size_t>(3, percent.size()), ' ') + percent + " %  ";
    }
    line += std::to_string(done) + " " + std::string(unit);
    if (elapsed_ms > 0)
        line += ", " + std::to_string(done * 1'000 / static_cast<std::uint64_t>(elapsed_ms)) + " a second";
    return line;
}

ProgressBar::ProgressBar(std::string unit)
    : unit_(std::move(unit)), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
    if (drawn_) print("\r\x1b[K");
}

void ProgressBar::show(std::uint64_t done, std::optional<unsigned> permille) {
    const Clock::time_point now = Clock::now();
    if (!on_terminal_ || now - begun_ < shown_after || (drawn_ && now - shown_ < shown_every)) return;
    shown_ = now;
    drawn_ = true;
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun_);
    print("\r\x1b[K" + progress_line(unit_, done, permille, elapsed.count()));
}

}  // namespace acquirer::admin
