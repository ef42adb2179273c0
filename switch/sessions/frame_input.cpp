#include "switch/sessions/frame_input.hpp"

namespace acquirer {

using iso8583::Now;

namespace {

constexpr std::int64_t minute_ms = 60'000;

}  // namespace

std::optional<iso8583::Result<iso8583::Frame, std::string>> FrameInput::next(const Now& now) {
    auto frame = reader_.next();
    if (too_many_keepalives(now))
        return tl::unexpected("more than " + std::to_string(limits_.keepalives_per_minute_max) +
                              " keep-alives in a minute");
    if (!frame) {
        if (reader_.at_boundary())
            half_frame_since_.reset();
        else if (!half_frame_since_)
            half_frame_since_ = now.instant;
        return std::nullopt;
    }
    half_frame_since_.reset();
    if (!*frame) return tl::unexpected(frame->error().what);
    return std::move(**frame);
}

bool FrameInput::too_many_keepalives(const Now& now) {
    const std::size_t more = reader_.take_keepalives();
    if (more == 0) return false;
    if (!minute_began_ || minute_began_->plus_ms(minute_ms) <= now.instant) {
        minute_began_ = now.instant;
        keepalives_ = 0;
    }
    keepalives_ += static_cast<std::uint32_t>(more);
    return keepalives_ > limits_.keepalives_per_minute_max;
}

std::optional<iso8583::Instant> FrameInput::deadline() const {
    if (!half_frame_since_) return std::nullopt;
    return half_frame_since_->plus_ms(limits_.half_frame_timeout_ms);
}

std::optional<std::string> FrameInput::overdue(const Now& now) const {
    const auto at = deadline();
    if (!at || now.instant < *at) return std::nullopt;
    return "a frame was begun and not ended within " + std::to_string(limits_.half_frame_timeout_ms) + " ms";
}

}  // namespace acquirer
