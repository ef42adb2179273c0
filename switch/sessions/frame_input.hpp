// FrameInput: what a link session reads: bytes become frames, with the two bounds in time that every
// connection has. Shared by terminal and issuer sessions. Pure; one session owns it. Source: docs/wire.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "iso8583/framing.hpp"
#include "iso8583/values/time_fields.hpp"

namespace acquirer {

struct FrameInputLimits {
    /// A frame that was begun must end within this: slow bytes must not hold a connection.
    std::int32_t half_frame_timeout_ms = 10'000;
    /// Frames of length zero; a peer that sends more is no idle peer.
    std::uint32_t keepalives_per_minute_max = 60;
};

class FrameInput {
  public:
    FrameInput(const iso8583::FramingSpec& framing, const FrameInputLimits& limits)
        : reader_(framing), limits_(limits) {}

    void feed(iso8583::ByteView bytes) { reader_.feed(bytes); }
    /// The next whole frame, nothing when more bytes are needed, or why the connection must be closed. Called
    /// after feed() until it gives nothing.
    [[nodiscard]] std::optional<iso8583::Result<iso8583::Frame, std::string>> next(const iso8583::Now& now);
    /// When the frame that was begun must have ended.
    [[nodiscard]] std::optional<iso8583::Instant> deadline() const;
    /// Why the connection must be closed, when that time has come.
    [[nodiscard]] std::optional<std::string> overdue(const iso8583::Now& now) const;

  private:
    bool too_many_keepalives(const iso8583::Now& now);

    iso8583::FrameReader reader_;
    FrameInputLimits limits_;
    std::optional<iso8583::Instant> half_frame_since_;
    std::optional<iso8583::Instant> minute_began_;  // of the keep-alives that are counted
    std::uint32_t keepalives_ = 0;
};

}  // namespace acquirer
