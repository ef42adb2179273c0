// Frames: any bytes in any fragmentation, for each kind of frame. What is cut is written again to the same
// bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "iso8583/framing.hpp"

using namespace iso8583;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    FramingSpec spec;
    spec.length = static_cast<FrameLength>(data[0] % 3);
    spec.inclusive = (data[0] & 0x10) != 0;
    spec.tpdu = (data[0] & 0x20) != 0;
    spec.header_bytes = (data[0] & 0x40) != 0 ? 6 : 0;
    spec.trailer_bytes = (data[0] & 0x80) != 0 ? 1 : 0;
    spec.body_bytes_max = 512;
    const std::size_t step = 1 + data[1] % 64;
    FrameReader reader(spec);
    for (std::size_t at = 2; at < size; at += step) {
        reader.feed({data + at, std::min(step, size - at)});
        while (auto next = reader.next()) {
            if (!next->has_value()) return 0;
            Bytes wire;
            write_frame(spec, **next, wire);
            FrameReader again(spec);
            again.feed(wire);
            const auto same = again.next();
            if (!same || !same->has_value() || (*same)->body != (*next)->body || !again.at_boundary())
                std::abort();
        }
    }
    return 0;
}
