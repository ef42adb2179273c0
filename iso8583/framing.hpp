// Frames on a byte stream: length prefix, optional TPDU, optional application header, body. One place,
// table-driven. Source: wire profiles (docs/wire.md); TPDU as of UnionPay POS and ISO 8583 over X.25 custom.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "iso8583/values/bytes.hpp"

namespace iso8583 {

enum class FrameLength : std::uint8_t { binary2, ascii4, bcd2, binary4 };

struct FramingSpec {
    FrameLength length = FrameLength::binary2;
    bool inclusive = false;          // the length counts itself too
    bool tpdu = false;               // 5 bytes BCD: 60, destination 2, source 2
    std::uint8_t header_bytes = 0;   // application header after the TPDU (unionpay-pos: 6)
    std::uint8_t trailer_bytes = 0;  // after the body, counted in the length
    std::uint16_t body_bytes_max = 4096;
};

struct Frame {
    Bytes tpdu;    // 5 bytes or none
    Bytes header;  // header_bytes or none
    Bytes body;
};

/// 600102 0304 → 600304 0102: the reply goes where the request came from.
Bytes swapped_tpdu(ByteView tpdu);

struct FramingError {
    enum class Kind : std::uint8_t { bad_length, too_long, too_short, bad_tpdu };
    Kind kind = Kind::bad_length;
    std::string what;  // "frame of 70000 bytes, at most 4107 are accepted"
};

/// Collects bytes and cuts frames. A frame of length zero is a keep-alive, in every framing: it is skipped
/// and counted. After an error it stays in error: the stream has lost its place.
class FrameReader {
  public:
    explicit FrameReader(FramingSpec spec) : spec_(spec) {}
    void feed(ByteView bytes);
    /// The next whole frame; nullopt when more bytes are needed.
    [[nodiscard]] std::optional<Result<Frame, FramingError>> next();
    /// Keep-alives since the last call.
    [[nodiscard]] std::size_t take_keepalives() { return std::exchange(keepalives_, 0); }
    /// True between frames (a connection that ends here lost nothing).
    [[nodiscard]] bool at_boundary() const { return consumed_ == buffer_.size(); }
    /// Of the frame that has begun: bytes it needs, its length included, as far as that is known, and bytes
    /// that are there.
    struct Begun {
        std::size_t needed = 0;
        std::size_t found = 0;
    };
    [[nodiscard]] Begun begun() const;

  private:
    FramingSpec spec_;
    Bytes buffer_;
    std::size_t consumed_ = 0;
    std::size_t keepalives_ = 0;
    std::optional<FramingError> failed_;
};

/// Appends one frame to `out`.
void write_frame(const FramingSpec& spec, const Frame& frame, Bytes& out);

}  // namespace iso8583
