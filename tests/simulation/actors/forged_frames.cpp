#include "tests/simulation/actors/forged_frames.hpp"

#include <algorithm>
#include <array>

namespace simulation {

using iso8583::Bytes;
using iso8583::Dialect;
using iso8583::Field;
using iso8583::FieldValues;

namespace {

constexpr std::size_t block_bytes = 8;
constexpr int primary_fields = 64;

Field mac_field_of(const FieldValues& fields) {
    bool secondary = false;
    fields.for_each([&](Field f, std::string_view) { secondary |= iso8583::number(f) > primary_fields; });
    return secondary ? Field::mac_secondary : Field::mac_primary;
}

std::optional<iso8583::EncodedMessage> encode_for_mac(const Dialect& dialect, FieldValues fields) {
    static constexpr std::array<char, block_bytes> zeros{};
    fields.set(mac_field_of(fields), std::string_view(zeros.data(), zeros.size()));
    auto encoded = iso8583::encode(dialect, fields);
    if (!encoded) return std::nullopt;
    return std::move(*encoded);
}

std::array<std::uint8_t, block_bytes> xor_of_blocks(iso8583::ByteView bytes) {
    std::array<std::uint8_t, block_bytes> sum{};
    for (std::size_t i = 0; i < bytes.size(); ++i) sum[i % block_bytes] ^= bytes[i];
    return sum;
}

}  // namespace

std::optional<SeenFrame> read_frame(const Dialect& dialect, iso8583::ByteView bytes) {
    iso8583::FrameReader reader(dialect.framing());
    reader.feed(bytes);
    auto next = reader.next();
    if (!next || !*next) return std::nullopt;
    const auto message = iso8583::decode(dialect, (*next)->body);
    if (!message) return std::nullopt;
    SeenFrame seen;
    seen.frame = std::move(**next);
    seen.fields = message->values();
    const auto mac_field = message->mac_field();
    if (!mac_field) return seen;
    const std::string content = message->get(*mac_field);
    const iso8583::ByteView covered = message->mac_input();
    seen.covered.assign(covered.begin(), covered.end());
    hsm::Mac mac{};
    if (content.size() == mac.size()) {
        std::copy(content.begin(), content.end(), mac.begin());
        seen.mac = mac;
    }
    seen.fields.erase(*mac_field);
    return seen;
}

Bytes written(const Dialect& dialect, const iso8583::Frame& frame) {
    Bytes out;
    iso8583::write_frame(dialect.framing(), frame, out);
    return out;
}

std::optional<Bytes> forge(const Dialect& dialect, const iso8583::Frame& like, FieldValues fields,
                           const std::optional<hsm::Mac>& mac) {
    iso8583::Frame frame{like.tpdu, like.header, {}};
    if (mac) {
        auto encoded = encode_for_mac(dialect, std::move(fields));
        if (!encoded) return std::nullopt;
        iso8583::write_mac(dialect, *encoded, *mac);
        frame.body = std::move(encoded->body);
    } else {
        auto encoded = iso8583::encode(dialect, fields);
        if (!encoded) return std::nullopt;
        frame.body = std::move(encoded->body);
    }
    return written(dialect, frame);
}

std::optional<Bytes> fit_to_mac(const Dialect& dialect, const iso8583::Frame& like, FieldValues fields,
                                const SeenFrame& seen) {
    if (!seen.mac) return std::nullopt;
    fields.set(Field::reserved_private_62, std::string(block_bytes, '\0'));
    auto encoded = encode_for_mac(dialect, std::move(fields));
    if (!encoded) return std::nullopt;
    const auto message = iso8583::decode(dialect, encoded->body);
    if (!message || message->raw(Field::reserved_private_62).size() != block_bytes) return std::nullopt;
    const auto wanted = xor_of_blocks(seen.covered), got = xor_of_blocks(encoded->mac_input());
    const std::size_t filler = message->offset(Field::reserved_private_62);
    for (std::size_t at = filler; at < filler + block_bytes; ++at)
        encoded->body[at] = static_cast<std::uint8_t>(wanted[at % block_bytes] ^ got[at % block_bytes]);
    iso8583::write_mac(dialect, *encoded, *seen.mac);
    return written(dialect, {like.tpdu, like.header, std::move(encoded->body)});
}

}  // namespace simulation
