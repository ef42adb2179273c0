// A valid frame, bent where it hurts: digits, lengths, bitmap bits, MTI, TPDU and header, truncation,
// trailing bytes, fields added and left out. In half of the cases it gets a right MAC afterwards, so that
// what is bent is not stopped at the door. Which of it happens is chosen by a fuzzer's bytes.
//
// No I/O; one thread; only for dialects whose frames have a binary length of two bytes. A frame that is none
// is given back as it is.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "hsm_sim/port.hpp"
#include "iso8583/codec.hpp"
#include "iso8583/framing.hpp"

namespace simulation {

/// A fuzzer's bytes as choices; when they are used up every choice is 0.
class Choices {
  public:
    explicit Choices(iso8583::ByteView bytes) : bytes_(bytes) {}
    [[nodiscard]] bool empty() const { return at_ >= bytes_.size(); }
    std::uint8_t byte() { return empty() ? 0 : bytes_[at_++]; }
    /// One of 0 … n-1.
    std::size_t below(std::size_t n) { return n == 0 ? 0 : byte() % n; }
    /// Up to `n` bytes, to be chosen from later.
    iso8583::Bytes take(std::size_t n) {
        iso8583::Bytes out;
        while (out.size() < n && !empty()) out.push_back(byte());
        return out;
    }

  private:
    iso8583::ByteView bytes_;
    std::size_t at_ = 0;
};

/// The MAC over these bytes as the frame's sender would make it; nothing when it has no key.
using MakeMac = std::function<std::optional<hsm::Mac>(iso8583::ByteView covered)>;

[[nodiscard]] iso8583::Bytes bend(const iso8583::Dialect& dialect, const iso8583::FramingSpec& framing,
                                  iso8583::ByteView frame, Choices& choices, const MakeMac& make_mac);

}  // namespace simulation
