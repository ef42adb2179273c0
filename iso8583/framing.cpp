#include "iso8583/framing.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "iso8583/values/ensure.hpp"

namespace iso8583 {

namespace {

constexpr std::size_t tpdu_bytes = 5;
constexpr std::uint8_t tpdu_id = 0x60;

std::size_t length_bytes(FrameLength kind) {
    return kind == FrameLength::ascii4 || kind == FrameLength::binary4 ? 4 : 2;
}

/// Everything the length counts besides the body.
std::size_t overhead(const FramingSpec& s) {
    return (s.inclusive ? length_bytes(s.length) : 0) + (s.tpdu ? tpdu_bytes : 0) + s.header_bytes +
           s.trailer_bytes;
}

std::size_t length_max(FrameLength kind) {
    switch (kind) {
        case FrameLength::binary2:
            return 0xFFFF;
        case FrameLength::binary4:
            return 0xFFFF'FFFF;
        case FrameLength::ascii4:
        case FrameLength::bcd2:
            break;
    }
    return 9999;
}

/// nullopt when the bytes are no number of the kind.
std::optional<std::size_t> read_length(FrameLength kind, const std::uint8_t* p) {
    std::size_t value = 0;
    switch (kind) {
        case FrameLength::binary2:
            return static_cast<std::size_t>(p[0]) << 8 | p[1];
        case FrameLength::binary4:
            for (std::size_t i = 0; i < 4; ++i) value = value << 8 | p[i];
            return value;
        case FrameLength::ascii4:
            for (std::size_t i = 0; i < 4; ++i) {
                if (p[i] < '0' || p[i] > '9') return std::nullopt;
                value = value * 10 + (p[i] - std::size_t{'0'});
            }
            return value;
        case FrameLength::bcd2:
            for (std::size_t i = 0; i < 2; ++i) {
                if (p[i] >> 4 > 9 || (p[i] & 0xF) > 9) return std::nullopt;
                value = value * 100 + (p[i] >> 4U) * std::size_t{10} + (p[i] & 0xFU);
            }
            return value;
    }
    return std::nullopt;
}

void append_length(FrameLength kind, std::size_t value, Bytes& out) {
    switch (kind) {
        case FrameLength::binary2:
            out.push_back(static_cast<std::uint8_t>(value >> 8));
            out.push_back(static_cast<std::uint8_t>(value & 0xFF));
            return;
        case FrameLength::binary4:
            for (unsigned shift : {24U, 16U, 8U, 0U})
                out.push_back(static_cast<std::uint8_t>(value >> shift & 0xFF));
            return;
        case FrameLength::ascii4:
            for (std::size_t unit : {1000U, 100U, 10U, 1U})
                out.push_back(static_cast<std::uint8_t>('0' + value / unit % 10));
            return;
        case FrameLength::bcd2:
            out.push_back(static_cast<std::uint8_t>(value / 1000 % 10 << 4 | value / 100 % 10));
            out.push_back(static_cast<std::uint8_t>(value / 10 % 10 << 4 | value % 10));
            return;
    }
}

}  // namespace

Bytes swapped_tpdu(ByteView tpdu) {
    if (tpdu.size() != tpdu_bytes) return {};
    return {tpdu[0], tpdu[3], tpdu[4], tpdu[1], tpdu[2]};
}

void FrameReader::feed(ByteView bytes) {
    if (failed_) return;
    // What has been cut is dropped before more is added, so that the buffer holds at most one frame and what
    // one read brought with it.
    if (consumed_ > 0) {
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
        consumed_ = 0;
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<Result<Frame, FramingError>> FrameReader::next() {
    if (failed_) return tl::unexpected(*failed_);
    const auto fail = [&](FramingError::Kind kind,
                          std::string what) -> std::optional<Result<Frame, FramingError>> {
        failed_ = FramingError{kind, std::move(what)};
        return tl::unexpected(*failed_);
    };
    const std::size_t prefix = length_bytes(spec_.length);
    std::optional<std::size_t> length;
    for (;;) {
        if (buffer_.size() - consumed_ < prefix) return std::nullopt;
        length = read_length(spec_.length, buffer_.data() + consumed_);
        const bool empty = length && (*length == 0 || (spec_.inclusive && *length == prefix));
        if (!empty) break;
        consumed_ += prefix;
        ++keepalives_;
    }
    const std::size_t there = buffer_.size() - consumed_;
    const std::uint8_t* p = buffer_.data() + consumed_;
    if (!length)
        return fail(FramingError::Kind::bad_length, "the frame's length is no number of its encoding");
    const std::size_t rest_min = overhead(spec_) + 1;
    const std::size_t rest_max = overhead(spec_) + spec_.body_bytes_max;
    if (*length < rest_min)
        return fail(FramingError::Kind::too_short,
                    fmt::format("frame of {} bytes, at least {} are needed", *length, rest_min));
    if (*length > rest_max)
        return fail(FramingError::Kind::too_long,
                    fmt::format("frame of {} bytes, at most {} are accepted", *length, rest_max));
    const std::size_t total = *length + (spec_.inclusive ? 0 : prefix);
    // The TPDU is looked at before the rest has arrived: a stranger is told apart by its first bytes.
    if (spec_.tpdu && there > prefix && p[prefix] != tpdu_id)
        return fail(FramingError::Kind::bad_tpdu, "the TPDU does not begin with 60");
    if (there < total) return std::nullopt;
    const std::uint8_t* at = p + prefix;
    const auto take = [&at](std::size_t n) {
        Bytes out(at, at + n);
        at += n;
        return out;
    };
    Frame frame;
    if (spec_.tpdu) frame.tpdu = take(tpdu_bytes);
    frame.header = take(spec_.header_bytes);
    frame.body = take(*length - overhead(spec_));
    consumed_ += total;
    return frame;
}

FrameReader::Begun FrameReader::begun() const {
    const std::size_t prefix = length_bytes(spec_.length);
    const std::size_t found = buffer_.size() - consumed_;
    if (found < prefix) return {prefix, found};
    const auto length = read_length(spec_.length, buffer_.data() + consumed_);
    return {length.value_or(0) + (spec_.inclusive ? 0 : prefix), found};
}

void write_frame(const FramingSpec& spec, const Frame& frame, Bytes& out) {
    ENSURE(frame.tpdu.size() == (spec.tpdu ? tpdu_bytes : 0) && frame.header.size() == spec.header_bytes);
    const std::size_t length = frame.body.size() + overhead(spec);
    ENSURE(frame.body.size() <= spec.body_bytes_max && length <= length_max(spec.length));
    append_length(spec.length, length, out);
    out.insert(out.end(), frame.tpdu.begin(), frame.tpdu.end());
    out.insert(out.end(), frame.header.begin(), frame.header.end());
    out.insert(out.end(), frame.body.begin(), frame.body.end());
    out.insert(out.end(), spec.trailer_bytes, 0);
}

}  // namespace iso8583
