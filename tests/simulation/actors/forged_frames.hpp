// Frames as somebody without keys makes them: fields in a terminal's envelope with whatever MAC he has, and
// what can be made of a frame that he saw. Pure; one thread.
#pragma once

#include <optional>

#include "hsm_sim/port.hpp"
#include "iso8583/codec.hpp"
#include "iso8583/framing.hpp"

namespace simulation {

/// A frame on its way, and what stands in it.
struct SeenFrame {
    iso8583::Frame frame;
    iso8583::FieldValues fields;  // without the MAC
    std::optional<hsm::Mac> mac;
    iso8583::Bytes covered;  // what the MAC is over
};
/// Nothing when it does not read.
[[nodiscard]] std::optional<SeenFrame> read_frame(const iso8583::Dialect& dialect, iso8583::ByteView bytes);
[[nodiscard]] iso8583::Bytes written(const iso8583::Dialect& dialect, const iso8583::Frame& frame);

/// `like` gives TPDU and header. Nothing when the fields cannot be written.
[[nodiscard]] std::optional<iso8583::Bytes> forge(const iso8583::Dialect& dialect, const iso8583::Frame& like,
                                                  iso8583::FieldValues fields,
                                                  const std::optional<hsm::Mac>& mac);
/// The ECB MAC depends on the XOR of the blocks alone: eight bytes of filler (DE62) make these fields fit the
/// MAC that was seen over others.
[[nodiscard]] std::optional<iso8583::Bytes> fit_to_mac(const iso8583::Dialect& dialect,
                                                       const iso8583::Frame& like,
                                                       iso8583::FieldValues fields, const SeenFrame& seen);

}  // namespace simulation
